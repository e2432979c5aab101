import { useMay, useSession } from "@/api/session";
import type { Right } from "@/api/types";
import { t } from "@/words";
import { useAway } from "./hooks";

/** Why the reader can't do this just now, in a sentence; null when they can. `whole`: only for who sees all places. */
export function useWhyNot(right: Right, whole = false): string | null {
  const never = useWhyNever(right, whole);
  const away = useAway() !== null;
  return never ?? (away ? t("tool.hub_lost") : null);
}

/** The same, were the hub always there: what an open dialog asks, so that a lost line takes nothing away that was typed, or is shown once. */
export function useWhyNever(right: Right, whole = false): string | null {
  const { session } = useSession();
  const may = useMay(right);
  if (!may) return t("tool.not_allowed");
  return whole && session.limited ? t("tool.whole") : null;
}
