import { useMay, useSession } from "@/api/session";
import { useAway } from "@/live/hooks";
import { usePlaces } from "@/live/places";
import { t } from "@/words";

/** Why nobody can say where a device is just now; null when one can. Its server need not be there: the hub knows places by itself. A
 *  Local Agent alone has to be asked whether the places are its own, so a hub's large tree is not read for this. */
export function useWhyNotPut(): string | null {
  const may = useMay("administer");
  const away = useAway() !== null;
  const { managed } = usePlaces(useSession().session.edition === "local_agent");
  return !may ? t("tool.not_allowed") : managed ? t("place.managed") : away ? t("tool.hub_lost") : null;
}
