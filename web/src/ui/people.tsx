import type { User } from "@/api/types";
import { format, locale, maybe, t, type Key } from "@/words";
import { endsDay } from "@/words/days";
import { Shape } from "./status";

export type PersonState = "invited" | "active" | "disabled" | "ended";

/** Ended goes before what else holds: nobody whose time is over can come in. */
export function personState(user: Pick<User, "state" | "ends">, now: number): PersonState | null {
  if (!user.state) return null;
  return user.ends && Date.parse(user.ends) <= now ? "ended" : (user.state as PersonState);
}

const SHAPES = { active: "online", invited: "none", disabled: "degraded", ended: "unknown" } as const;
const TONES = { active: "online", invited: "unknown", disabled: "degraded", ended: "unknown" } as const;

export function PersonMark({ state, id }: { state: PersonState; id?: string }) {
  return (
    <span className="status" data-testid={id ? `state-${id}` : undefined} data-state={state}>
      <Shape status={SHAPES[state]} />
      <span className={`word tone-${TONES[state]}`}>{t(`person.${state}` as Key)}</span>
    </span>
  );
}

/** Until when somebody may come in: the day, and the hour where it is not that day's end. */
export function EndsOn({ time }: { time: string }) {
  return (
    <time className="nowrap" dateTime={time} title={format.absolute(locale(), time)}>
      {format.fullDay(locale(), time)}
      {!endsDay(time) && `, ${format.timeOfDay(locale(), Date.parse(time))}`}
    </time>
  );
}

export const roleName = (role: string | null | undefined): string => (role ? maybe(`role.${role}`, role) : "–");
