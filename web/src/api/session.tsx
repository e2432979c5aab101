import { createContext, useContext } from "react";
import type { Right, Session } from "./types";

export interface SessionValue {
  session: Session;
  replace: (session: Session) => void;
  signOut: () => Promise<void>;
}

export const SessionContext = createContext<SessionValue | null>(null);

/** Who is signed in, and on which edition. Only inside the frame. */
export function useSession(): SessionValue {
  const value = useContext(SessionContext);
  if (!value) throw new Error("no session here");
  return value;
}

/** Of what reaches beyond any part of the places: whether it is the part a person is limited to that keeps it from them, or the role. */
export const hinders = (session: Pick<Session, "rights" | "limited">, right: Right): "part" | "role" => (session.limited && session.rights.includes(right) ? "part" : "role");

/** `whole`: it reaches beyond any part of the places, so that who is limited to one may not. */
export function useMay(right: Right, whole = false): boolean {
  const { session } = useSession();
  return session.rights.includes(right) && !(whole && session.limited);
}
