import { useMemo, useState } from "react";
import { api, ApiError } from "@/api/client";
import type { Place, PlaceKind } from "@/api/types";
import { useCall } from "@/live/call";
import { useEdits } from "@/live/edits";
import { above, inheritedFrom, isUnder, usePlaceChoices, type PlacesStore } from "@/live/places";
import { Act, Choice, Clashes, Confirm, Dialog, DialogFoot, ErrorNote, Form, LongField, placeKind, Radios, SearchChoice, Stack, Text, TextField, useGo } from "@/ui";
import { t, type Key } from "@/words";

const KINDS: PlaceKind[] = ["region", "city", "building", "floor", "room", "other"];
/** What the hub takes a place for by what it lies in, when nobody says. */
const DEEPER: Record<string, PlaceKind> = { "": "region", region: "city", city: "building", building: "floor", floor: "room" };

export type PlaceAct = "add" | "rename" | "edit" | "move" | "merge" | "delete";

interface ActProps {
  store: PlacesStore;
  onClose: () => void;
}

/** `place` of *add* is what the new one lies in; null: at the top. */
export function PlaceDialog({ act, place, store, onClose }: ActProps & { act: PlaceAct; place: Place | null }) {
  if (act === "add") return <Fields parent={place} store={store} onClose={onClose} />;
  if (!place) return null;
  if (act === "edit") return <Fields place={place} parent={store.rows.get(place.parent ?? "") ?? null} store={store} onClose={onClose} />;
  if (act === "rename") return <Rename place={place} store={store} onClose={onClose} />;
  if (act === "move") return <Move place={place} store={store} onClose={onClose} />;
  if (act === "merge") return <Merge place={place} store={store} onClose={onClose} />;
  return <Delete place={place} onClose={onClose} />;
}

function useZones(): { value: string; label: string }[] {
  return useMemo(() => ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")].map((zone) => ({ value: zone, label: zone })), []);
}

/** Sends what differs from what the hub says this moment; null where `differing` finds that somebody must choose first. */
async function changed(id: string, differing: (fresh: Place) => Record<string, unknown> | null): Promise<Place | null> {
  const fresh = await api.get<Place>(`/locations/${id}`);
  const changes = differing(fresh);
  if (changes === null || Object.keys(changes).length === 0) return changes && fresh;
  return api.patch<Place>(`/locations/${id}`, typeof changes.name === "string" ? { ...changes, name: changes.name.trim() } : changes);
}

type Inherited = "zone" | "address" | "contact";
type Said = Record<"name" | "kind" | "zone" | "address" | "contact" | "notes", string>;

const NEW: Said = { name: "", kind: "", zone: "", address: "", contact: "", notes: "" };

/** What a place itself says; what it inherits is "". */
function saidOf(place: Place): Said {
  const own = (field: Inherited) => (place.own.includes(field) ? place[field] : "");
  return { name: place.name, kind: place.kind, zone: own("zone"), address: own("address"), contact: own("contact"), notes: place.notes };
}

const fieldName = (field: string): string => t(`field.${field === "address" ? "street" : field}` as Key);
const shownValue = (field: string, value: string): string => (field === "kind" ? placeKind(value) : value);

function Fields({ place, parent: first, store, onClose }: ActProps & { place?: Place; parent: Place | null }) {
  const edits = useEdits(place ? saidOf(store.rows.get(place.id) ?? place) : NEW);
  const { kind } = edits.values;
  const [parentId, setParent] = useState(first?.id ?? "");
  const { busy, error, run } = useCall<Place | null>();
  const choices = usePlaceChoices(store);
  const zones = useZones();
  const say = (field: keyof Said) => (text: string) => edits.say(field, text);
  const parent = store.rows.get(parentId);
  // what holds here when this place says nothing
  const from = (field: Inherited) => {
    const source = place ? (inheritedFrom(store.rows, { ...place, own: [] }, field) ?? undefined) : parent && (parent.own.includes(field) ? parent : inheritedFrom(store.rows, parent, field));
    return source ? t("place.inherits", { value: source[field], place: source.name }) : undefined;
  };
  const submit = async () => {
    const { kind: chosen, ...others } = edits.values;
    const whole = { ...others, name: others.name.trim(), ...(chosen ? { kind: chosen } : {}), parent: parentId || null };
    const done = await run(() => (place ? changed(place.id, (fresh) => edits.check(saidOf(fresh))) : api.post<Place>("/locations", whole)));
    if (done) onClose();
  };
  const suggested = DEEPER[parent?.kind ?? ""] ?? "other";
  return (
    <Dialog title={place ? t("place.edit_title", { name: place.name }) : t("place.add_title")} onClose={onClose} id="dialog-place" wide>
      <Form onSubmit={() => void submit()}>
        <TextField label={t("field.name")} hint={place ? undefined : t("place.name_hint")} value={edits.values.name} onChange={say("name")} id="place-name" required autoFocus />
        {!place && <SearchChoice label={t("place.lies_in")} id="place-parent" value={parentId} onChange={setParent} options={choices} empty={t("place.top")} />}
        <Choice
          label={t("field.kind")}
          id="place-kind"
          value={kind}
          onChange={say("kind")}
          options={[...(place ? [] : [{ value: "", label: t("place.suggested", { kind: placeKind(suggested) }) }]), ...KINDS.map((each) => ({ value: each, label: placeKind(each) }))]}
        />
        <SearchChoice label={t("field.zone")} id="place-zone" value={edits.values.zone} onChange={say("zone")} options={zones} empty={from("zone") ?? t("place.zone_none")} />
        <TextField label={t("field.street")} value={edits.values.address} onChange={say("address")} id="place-address" placeholder={from("address")} />
        <TextField label={t("field.contact")} hint={t("place.contact_hint")} value={edits.values.contact} onChange={say("contact")} id="place-contact" placeholder={from("contact")} />
        <LongField label={t("field.notes")} value={edits.values.notes} onChange={say("notes")} id="place-notes" />
        <Clashes clashes={edits.clashes} name={fieldName} shown={shownValue} onSettle={edits.settle} />
        <ErrorNote error={error} saving={place !== undefined} />
        <DialogFoot>
          <Act onClick={onClose} id="place-cancel">
            {t("action.cancel")}
          </Act>
          <Act primary submit busy={busy} reason={edits.clashes.length > 0 ? t("clash.first") : null} id="place-submit">
            {t(place ? "action.save" : "action.add")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

function Rename({ place, store, onClose }: ActProps & { place: Place }) {
  const edits = useEdits({ name: (store.rows.get(place.id) ?? place).name });
  const { busy, error, run } = useCall<Place | null>();
  const submit = async () => {
    if (await run(() => changed(place.id, ({ name }) => edits.check({ name })))) onClose();
  };
  return (
    <Dialog title={t("place.rename_title", { name: place.name })} onClose={onClose} id="dialog-place-rename">
      <Form onSubmit={() => void submit()}>
        <TextField label={t("field.name")} value={edits.values.name} onChange={(name) => edits.say("name", name)} id="place-rename-name" required autoFocus />
        <Clashes clashes={edits.clashes} name={fieldName} onSettle={edits.settle} />
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} reason={edits.clashes.length > 0 ? t("clash.first") : null} id="place-rename-submit">
            {t("place.rename")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

function Move({ place, store, onClose }: ActProps & { place: Place }) {
  const edits = useEdits({ parent: (store.rows.get(place.id) ?? place).parent ?? "" });
  const { parent } = edits.values;
  const { busy, error, run } = useCall<Place | null>();
  const choices = usePlaceChoices(store, (each) => !isUnder(store.rows, each.id, place.id));
  const submit = async () => {
    const differing = (fresh: Place) => {
      const changes = edits.check({ parent: fresh.parent ?? "" });
      return changes?.parent === undefined ? changes : { parent: changes.parent || null };
    };
    if (await run(() => changed(place.id, differing))) onClose();
  };
  return (
    <Dialog title={t("place.move_title", { name: place.name })} onClose={onClose} id="dialog-place-move" wide>
      <Form onSubmit={() => void submit()}>
        <Text dim>{t("place.move_text", { path: place.path })}</Text>
        <SearchChoice label={t("place.lies_in")} id="place-move-parent" value={parent} onChange={(next) => edits.say("parent", next)} options={choices} empty={t("place.top")} autoFocus />
        <Clashes clashes={edits.clashes} name={() => t("place.lies_in")} shown={(_, id) => store.rows.get(id)?.path ?? id} onSettle={edits.settle} />
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} disabled={!edits.changed} reason={edits.clashes.length > 0 ? t("clash.first") : null} id="place-move-submit">
            {t("place.move")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

function Merge({ place, store, onClose }: ActProps & { place: Place }) {
  const [into, setInto] = useState("");
  const { busy, error, run } = useCall<Place>();
  const go = useGo();
  const choices = usePlaceChoices(store, (each) => !isUnder(store.rows, each.id, place.id) && !isUnder(store.rows, place.id, each.id));
  const submit = async () => {
    const done = await run(() => api.post<Place>(`/locations/${place.id}/merge`, { into }));
    if (!done) return;
    onClose();
    if (location.pathname.endsWith(place.id)) go(`/locations/${done.id}`, true);
  };
  return (
    <Dialog title={t("place.merge_title", { name: place.name })} onClose={onClose} id="dialog-place-merge" wide>
      <Form onSubmit={() => void submit()}>
        <Stack gap={4}>
          <Text>{t("place.merge_text", { name: place.name })}</Text>
          <Text dim>{t("place.no_undo")}</Text>
        </Stack>
        <SearchChoice label={t("place.merge_into")} id="place-merge-into" value={into} onChange={setInto} options={choices} empty={t("put.choose")} autoFocus required />
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary danger submit busy={busy} disabled={!into} id="place-merge-submit">
            {t("place.merge")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

interface Hanging {
  places: number;
  devices: number;
  rules: number;
  photos: number;
}

/** The hub refuses while something hangs there and says how much; then it is asked what becomes of it. */
function hangingOf(error: unknown): Hanging | null {
  if (!(error instanceof ApiError) || error.code !== "location_not_empty") return null;
  const { places = 0, devices = 0, rules = 0, photos = 0 } = error.params as Partial<Hanging>;
  return { places, devices, rules, photos };
}

function Delete({ place, onClose }: { place: Place; onClose: () => void }) {
  const [hanging, setHanging] = useState("lift");
  const [there, setThere] = useState<Hanging | null>(null);
  const { busy, error, run } = useCall<boolean>();
  const go = useGo();
  const submit = async () => {
    const done = await run(async () => {
      try {
        await api.delete(`/locations/${place.id}${there ? `?hanging=${hanging}` : ""}`);
        return true;
      } catch (problem) {
        const found = hangingOf(problem);
        if (!found) throw problem;
        setThere(found);
        return false;
      }
    });
    if (!done) return;
    onClose();
    if (location.pathname.endsWith(place.id)) go(place.parent ? `/locations/${place.parent}` : "/locations", true);
  };
  const what = there && [there.places > 0 && t("count.places", { n: there.places }), there.devices > 0 && t("count.devices_put", { n: there.devices }), there.rules > 0 && t("count.rules", { n: there.rules }), there.photos > 0 && t("count.photos", { n: there.photos })].filter(Boolean).join(", ");
  return (
    <Confirm title={t("place.delete_title", { name: place.name })} act={t("action.delete")} danger id="place-delete" busy={busy} error={error} onClose={onClose} onAct={() => void submit()}>
      {there ? (
        <>
          <Text id="place-hanging">{t("place.hanging", { what: what ?? "" })}</Text>
          {there.photos > 0 && <Text dim>{t("place.photos_go")}</Text>}
          <Radios
            label={t("place.hanging_what")}
            id="place-hanging-what"
            value={hanging}
            onChange={setHanging}
            options={[
              { value: "lift", label: t("place.lift"), hint: place.parent ? t("place.lift_text", { path: place.path.split(" > ").slice(0, -1).join(" > ") }) : t("place.lift_top") },
              { value: "remove", label: t("place.remove"), hint: t("place.remove_text") },
            ]}
          />
        </>
      ) : (
        <Text>{t("place.delete_text")}</Text>
      )}
      <Text dim>{t("place.no_undo")}</Text>
    </Confirm>
  );
}

/** What can be done with a place, at its row and on its page. */
export const PLACE_ACTS: { act: PlaceAct; danger?: boolean }[] = [{ act: "add" }, { act: "edit" }, { act: "rename" }, { act: "move" }, { act: "merge" }, { act: "delete", danger: true }];

/** "London > HQ", each a link. */
export function pathLinks(store: PlacesStore, place: Place): Place[] {
  return above(store.rows, place.id).slice(1).reverse();
}
