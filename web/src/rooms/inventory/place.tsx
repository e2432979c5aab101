import { useState, type ReactNode } from "react";
import { query } from "@/api/client";
import type { Place } from "@/api/types";
import { factText, foldFacts } from "@/live/facts";
import { useDevices, useFacts, useRow } from "@/live/hooks";
import { useNames } from "@/live/known";
import { childrenOf, inheritedFrom, usePlaceLines, usePlaces, type PlacesStore } from "@/live/places";
import { Act, Ago, Dialog, DialogFoot, Empty, ErrorNote, Facts, Go, Grow, Halves, IconButton, InlineChoice, Line, Loading, LocalTime, Notice, Page, placeKind, PlaceTree, Radios, Reach, RowLine, Rows, Section, Stack, StatusMark, Text, Tool, ToolBar, useFilter, useGo, usePathId, usePhone, type FactLine } from "@/ui";
import { Label, Labels, PrintSheet } from "@/ui/label";
import { t, type Key } from "@/words";
import { DeviceList } from "./device-list";
import { countText } from "./tree";
import { PLACE_ACTS, pathLinks, PlaceDialog, type PlaceAct } from "./place-dialogs";
import { PlaceMenu, useWhyNotPlaces, whyNotPlace } from "./places";
import { PlacePhotos } from "./place-photos";
import { SendDialog } from "./send";

/** One page for each place: what is there, how it stands, whom to call. */
export function PlacePage() {
  const id = usePathId();
  const store = usePlaces();
  const place = store.rows.get(id);
  if (store.error) return <ErrorNote error={store.error} />;
  if (!store.ready) return <Loading rows={10} />;
  if (!place)
    return (
      <Empty title={t("place.missing")} action={<Go accent to="/locations">{t("nav.locations")}</Go>} id="place-missing">
        {t("place.missing_text")}
      </Empty>
    );
  return <Known key={id} store={store} place={place} />;
}

function Known({ store, place }: { store: PlacesStore; place: Place }) {
  const whyAny = useWhyNotPlaces(store);
  const why = whyNotPlace(place, whyAny);
  const [acting, setActing] = useState<{ act: PlaceAct; place: Place } | null>(null);
  const [label, setLabel] = useState(false);
  const [sending, setSending] = useState(false);
  const way = pathLinks(store, place);
  return (
    <Page
      mark={place.worst ? <StatusMark status={place.worst} id={place.id} /> : undefined}
      title={place.name}
      aside={
        <Text dim id="place-aside">
          {placeKind(place.kind)}
          {way.length > 0 && (
            <>
              {" · "}
              {way.map((each, index) => (
                <span key={each.id}>
                  {index > 0 && " > "}
                  <Go to={`/locations/${each.id}`}>{each.name}</Go>
                </span>
              ))}
            </>
          )}
          {place.zone && (
            <>
              {" · "}
              <LocalTime zone={place.zone} />
            </>
          )}
        </Text>
      }
    >
      <ToolBar label={t("place.tools")}>
        {PLACE_ACTS.map(({ act, danger }) => (
          <Tool key={act} id={`place-${act}`} name={t(`place.${act}` as Key)} danger={danger} reason={why} onClick={() => setActing({ act, place })} />
        ))}
        <Tool id="label" name={t("label.tool")} reason={store.managed ? t("label.managed") : null} onClick={() => setLabel(true)} />
        <Tool id="send" name={t("place.send")} reason={null} onClick={() => setSending(true)} />
      </ToolBar>
      <PlaceFacts store={store} place={place} />
      {(place.photos.length > 0 || !(store.managed || place.way)) && <PlacePhotos place={place} why={why} />}
      {place.children > 0 && <Below store={store} place={place} why={why} whyAny={whyAny} onAct={(act, which) => setActing({ act, place: which })} />}
      <Devices place={place} />
      {acting && <PlaceDialog act={acting.act} place={acting.place} store={store} onClose={() => setActing(null)} />}
      {sending && <SendDialog place={place.id} onClose={() => setSending(false)} />}
      {label && <LabelDialog store={store} place={place} onClose={() => setLabel(false)} />}
    </Page>
  );
}

function PlaceFacts({ store, place }: { store: PlacesStore; place: Place }) {
  const phone = usePhone();
  const none = <Text dim>–</Text>;
  const from = (field: string): ReactNode => {
    const source = inheritedFrom(store.rows, place, field);
    return source && <>{t("place.from", { place: source.name })}</>;
  };
  const lines: FactLine[] = [
    { name: t("field.zone"), value: place.zone ? <>{place.zone} · <LocalTime zone={place.zone} /></> : none, note: from("zone"), id: "place-fact-zone" },
    { name: t("field.street"), value: place.address || none, note: from("address"), id: "place-fact-address" },
    { name: t("field.contact"), value: place.contact ? <Reach text={place.contact} /> : none, note: from("contact"), id: "place-fact-contact" },
    { name: t("field.notes"), value: place.notes ? <Text wrap>{place.notes}</Text> : none, id: "place-fact-notes" },
  ];
  return (
    <Section title={t("device.facts")} id="place-facts">
      {phone ? (
        <Facts lines={lines} />
      ) : (
        <Halves>
          <Facts lines={lines.slice(0, 2)} />
          <Facts lines={lines.slice(2)} />
        </Halves>
      )}
    </Section>
  );
}

function Below({ store, place, why, whyAny, onAct }: { store: PlacesStore; place: Place; why: string | null; whyAny: string | null; onAct: (act: PlaceAct, place: Place) => void }) {
  const go = useGo();
  const { lines, toggle, own } = usePlaceLines(store, "", place.id);
  const useItem = (id: string) => useRow(store, id);
  const n = childrenOf(store.all).get(place.id)?.length ?? 0;
  return (
    <Section title={t("place.below")} count={n} id="place-below" end={<IconButton icon="plus" label={t("place.add")} id="add-place" reason={why} onClick={() => onAct("add", place)} />}>
      <PlaceTree label={t("place.below")} lines={lines} useItem={useItem} onToggle={toggle} onOpen={(id) => go(`/locations/${id}`)} own={own} menu={(each) => <PlaceMenu place={each} why={whyAny} onAct={(act) => onAct(act, each)} />} />
    </Section>
  );
}

/** Devices there and below, with the tools for them, and what happened to them of late. */
function Devices({ place }: { place: Place }) {
  const [filter, setFilter] = useFilter();
  const phone = usePhone();
  const topic = query({ kind: "pro_audio", location: place.id });
  const store = useDevices(topic);
  const grouped = place.children > 0 && filter.group === "location";
  const groups = [
    { value: "", label: t("filter.group_none") },
    { value: "location", label: t("field.location") },
  ];
  const end = (
    <Line gap={16}>
      {place.children > 0 && !phone && <InlineChoice id="group-by" label={t("filter.group")} value={grouped ? "location" : ""} onChange={(group) => setFilter({ group })} options={groups} />}
      <Go accent to={`/devices/pro-audio?location=${place.id}`}>
        {t("nav.pro_audio")}
      </Go>
    </Line>
  );
  return (
    <>
      <Section title={t("field.devices")} count={store.ready ? countText(store.rows.values()) : undefined} id="place-devices" end={end}>
        <Stack gap={12}>
          <DeviceList
            label={t("field.devices")}
            store={store}
            topic={topic}
            group={grouped ? "location" : ""}
            sort={filter.sort || "status"}
            down={filter.down === "1"}
            onSort={(id, down) => setFilter({ sort: id === "status" ? "" : id, down: down ? "1" : "" })}
            empty={
              <Empty title={t("place.no_devices_title")} action={<Go accent to="/devices/pro-audio?location=none">{t("place.unplaced_list")}</Go>} id="place-no-devices">
                {t("place.no_devices_text")}
              </Empty>
            }
          />
        </Stack>
      </Section>
      <Changes place={place} devices={store.rows} />
    </>
  );
}

function Changes({ place, devices }: { place: Place; devices: ReadonlyMap<string, unknown> }) {
  const { items, ready, error, retry } = useFacts({ location: place.id, among: devices }, 40);
  const shown = foldFacts(items).slice(0, 12);
  const names = useNames(shown.flatMap((fact) => (fact.device ? [fact.device] : [])));
  return (
    <Section title={t("dashboard.recent")} id="place-changes">
      <ErrorNote error={error} onRetry={retry} />
      {!ready ? (
        !error && <Loading rows={3} />
      ) : shown.length === 0 ? (
        <Text dim>{t("events.none")}</Text>
      ) : (
        <Rows>
          {shown.map((fact) => (
            <RowLine key={fact.id} end={<Ago time={fact.time} />}>
              <Grow>{fact.device ? <Go to={`/devices/${fact.device}`}>{factText(fact, { device: names.get(fact.device) })}</Go> : factText(fact)}</Grow>
            </RowLine>
          ))}
        </Rows>
      )}
    </Section>
  );
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

/** What a label's code opens: this page, by the address the reader opened it with. */
const address = (place: Place) => `${location.origin}/locations/${place.id}`;

function LabelDialog({ store, place, onClose }: { store: PlacesStore; place: Place; onClose: () => void }) {
  const [which, setWhich] = useState("one");
  const rooms = store.all.filter((each) => each.kind === "room" && each.id !== place.id && each.path.startsWith(`${place.path} > `));
  const shown = which === "rooms" ? rooms : [place];
  const labels = shown.map((each) => (
    <Label key={each.id} text={address(each)} title={each.name} under={each.path.split(" > ").slice(0, -1).join(" > ")} note={t("label.note")} alt={t("label.alt", { place: each.path })} />
  ));
  return (
    <Dialog title={t("label.title", { name: place.name })} onClose={onClose} id="dialog-label" wide>
      <Stack gap={12}>
        <Text dim>{t("label.text")}</Text>
        {LOOPBACK.test(location.hostname) && <Notice tone="degraded" id="label-loopback">{t("label.loopback", { address: location.host })}</Notice>}
        {rooms.length > 0 && (
          <Radios
            label={t("label.which")}
            id="label-which"
            value={which}
            onChange={setWhich}
            options={[
              { value: "one", label: place.name },
              { value: "rooms", label: t("label.rooms", { n: rooms.length }) },
            ]}
          />
        )}
        <Labels id="labels">{labels}</Labels>
        <PrintSheet>{labels}</PrintSheet>
        <DialogFoot>
          <Act onClick={onClose}>{t("action.close")}</Act>
          <Act primary onClick={() => print()} id="label-print">
            {t("label.print")}
          </Act>
        </DialogFoot>
      </Stack>
    </Dialog>
  );
}
