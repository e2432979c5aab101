import type { User } from "@/api/types";
import { t, type Key } from "@/words";

export const shownName = (user: User): string => user.name || user.sign_in || user.id;

/** Why this reader can't change this person; null: can. */
export function whyLocked(user: User, away: boolean): string | null {
  return user.locked ? t(`locked.${user.locked}` as Key) : away ? t("tool.hub_lost") : null;
}
