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

export function useMay(right: Right): boolean {
  return useSession().session.rights.includes(right);
}
