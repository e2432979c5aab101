import { useMay, useSession } from "@/api/session";
import type { Right } from "@/api/types";
import { t } from "@/words";
import { useAway } from "./hooks";

/** Why the reader can't do this just now, in a sentence; null when they can. `whole`: only for who sees all places. */
export function useWhyNot(right: Right, whole = false): string | null {
  const { session } = useSession();
  const may = useMay(right);
  const away = useAway() !== null;
  if (!may) return t("tool.not_allowed");
  if (whole && session.limited) return t("tool.whole");
  return away ? t("tool.hub_lost") : null;
}
