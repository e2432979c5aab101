import type { Session, User } from "@/api/types";
import { t, type Key } from "@/words";

export { shownName } from "@/live/people";

/** Why this reader can't change this person; null: can. */
export function whyLocked(user: User, away: boolean): string | null {
  return user.locked ? t(`locked.${user.locked}` as Key) : away ? t("tool.hub_lost") : null;
}

/** Why this reader can't do something to this person's way of signing in; null: can. That somebody is the last owner hinders nothing here. */
export function whyNotSignIn(user: User, session: Session, away: boolean, act: "reset" | "sign-out" | "factor"): string | null {
  const me = user.id === session.person?.id;
  if (user.locked && user.locked !== "last_owner") return whyLocked(user, away);
  if (away) return t("tool.hub_lost");
  if (act !== "reset" && !session.rights.includes("own")) return t("locked.owners");
  if (me && act !== "sign-out") return t("locked.own");
  if (act === "reset" && user.state !== "active") return t("locked.not_active");
  if (act === "factor" && !user.second_factor) return t("locked.no_factor");
  return null;
}
