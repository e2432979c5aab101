import { useMay } from "@/api/session";
import { usePlaceChoices, usePlaces } from "@/live/places";
import { Choice, DateField, ManyChoice, roleName } from "@/ui";
import { format, t } from "@/words";
import { dayOf } from "@/words/days";

/** What somebody is given. `role` "" is not chosen yet; `ends` a day of the reader's calendar, "" never. */
export interface Access {
  role: string;
  places: string[];
  ends: string;
}

const ROLES = ["monitor", "administrator", "owner"] as const;

export function AccessFields({ value, onChange }: { value: Access; onChange: (value: Access) => void }) {
  const own = useMay("own");
  const places = usePlaceChoices(usePlaces());
  const say = (change: Partial<Access>) => onChange({ ...value, ...change });
  const options = ROLES.map((role) => ({ value: role, label: role === "owner" && !own ? t("users.owner_only") : roleName(role), disabled: role === "owner" && !own }));
  return (
    <>
      <Choice label={t("field.role")} id="user-role" value={value.role} onChange={(role) => say({ role })} options={value.role ? options : [{ value: "", label: t("users.role_choose") }, ...options]} hint={value.role ? t(`role_means.${value.role as (typeof ROLES)[number]}`) : undefined} />
      <ManyChoice label={t("users.limited")} id="user-places" values={value.places} onChange={(next) => say({ places: next })} options={places} hint={t("users.limited_hint")} empty={t("users.everywhere")} />
      <DateField label={t("field.ends")} id="user-ends" value={value.ends} onChange={(ends) => say({ ends })} least={dayOf(Date.now())} hint={t("users.ends_hint", { zone: format.ownZone() })} />
    </>
  );
}
