import { useState, type ReactNode } from "react";
import { useMay } from "@/api/session";
import type { Place } from "@/api/types";
import { useAway, useRow } from "@/live/hooks";
import { found, usePlaceLines, usePlaces, type PlacesStore } from "@/live/places";
import { useViews } from "@/live/views";
import { Act, Empty, ErrorNote, Go, Grow, IconButton, Line, Loading, Page, PlaceTree, RowMenu, SearchField, Stack, Text, Tool, ToolBar, useFilter, useGo, usePhone, ViewsMenu } from "@/ui";
import { t, type Key } from "@/words";
import { PLACE_ACTS, PlaceDialog, type PlaceAct } from "./place-dialogs";
import { ImportDialog } from "./place-import";
import { RulesDialog } from "./place-rules";
import { SendDialog } from "./send";

/** Why places can't be changed just now; null when they can. */
export function useWhyNotPlaces(store: PlacesStore): string | null {
  const never = useWhyNeverPlaces(store);
  const away = useAway() !== null;
  return never ?? (away ? t("tool.hub_lost") : null);
}

/** The same, were the hub always there: a lost line takes no open dialog away, nor what was typed into it. */
function useWhyNeverPlaces(store: PlacesStore): string | null {
  const may = useMay("administer");
  return !may ? t("tool.not_allowed") : store.managed ? t("place.managed") : null;
}

/** The same of what reaches all places: the uppermost ones, rules, a table. */
function useWhyNotAll(why: string | null): string | null {
  const whole = useMay("administer", true);
  return why ?? (whole ? null : t("tool.whole"));
}

/** The same of one place, which may be no more than the way to the reader's own. */
export const whyNotPlace = (place: Place, why: string | null): string | null => why ?? (place.way ? t("place.way") : null);

/** `why`: why places can't be changed; somebody can be sent there all the same. */
export function PlaceMenu({ place, why, onAct }: { place: Place; why: string | null; onAct: (act: PlaceAct) => void }) {
  const [sending, setSending] = useState(false);
  const reason = whyNotPlace(place, why);
  const send = { label: t("place.send"), onClick: () => setSending(true), id: "place-send" };
  return (
    <>
      <RowMenu
        id={`place-menu-${place.id}`}
        label={t("server.menu", { name: place.name })}
        entries={[send, ...PLACE_ACTS.map(({ act, danger }) => ({ label: t(`place.${act}` as Key), onClick: () => onAct(act), id: `place-${act}`, danger, reason }))]}
      />
      {sending && <SendDialog place={place.id} onClose={() => setSending(false)} />}
    </>
  );
}

export function Locations() {
  const store = usePlaces();
  const [filter, setFilter] = useFilter();
  const why = useWhyNotPlaces(store);
  const [acting, setActing] = useState<{ act: PlaceAct; place: Place | null } | null>(null);
  const whyAll = useWhyNotAll(why);
  const never = useWhyNotAll(useWhyNeverPlaces(store));
  const add = () => setActing({ act: "add", place: null });
  const views = useViews("/locations", ["q"], filter, setFilter);
  const rooms = store.all.filter((place) => place.kind === "room").length;
  const drawn = store.ready && store.order.length > 0;
  return (
    <Page
      title={t("nav.locations")}
      aside={
        drawn && (
          <Text dim id="places-head">
            {[views.current?.name, t("count.places", { n: store.order.length }), t("count.rooms", { n: rooms })].filter(Boolean).join(" · ")}
            {store.unplaced > 0 && (
              <>
                {" · "}
                <Go to="/devices/pro-audio?location=none" id="places-unplaced">
                  {t("place.unplaced", { n: store.unplaced })}
                </Go>
              </>
            )}
          </Text>
        )
      }
      tools={<IconButton icon="plus" label={t("place.add_title")} id="add-place" reason={whyAll} onClick={add} />}
    >
      <Stack gap={12}>
        {(drawn || filter.q) && (
          <Line gap={8}>
            <SearchField id="places-q" label={t("place.find")} value={filter.q ?? ""} onChange={(q) => setFilter({ q })} />
            <ViewsMenu {...views} />
            <Grow>
              <ToolBar label={t("place.tools")}>
                <Tool id="import" name={t("place.import")} reason={whyAll} onClick={() => setFilter({ import: "1" })} />
                <Tool id="rules" name={t("rules.title")} reason={store.managed ? t("place.managed") : null} onClick={() => setFilter({ rules: "1" })} />
              </ToolBar>
            </Grow>
          </Line>
        )}
        {store.error ? (
          <ErrorNote error={store.error} />
        ) : !store.ready ? (
          <Loading rows={8} />
        ) : !drawn ? (
          <Nothing why={whyAll} managed={store.managed} onAdd={add} onImport={() => setFilter({ import: "1" })} />
        ) : (
          <TreeOf store={store} q={filter.q ?? ""} menu={(place) => <PlaceMenu place={place} why={why} onAct={(act) => setActing({ act, place })} />} />
        )}
      </Stack>
      {acting && <PlaceDialog act={acting.act} place={acting.place} store={store} onClose={() => setActing(null)} />}
      {filter.import === "1" && never === null && <ImportDialog onClose={() => setFilter({ import: "" })} />}
      {filter.rules === "1" && !store.managed && <RulesDialog store={store} why={whyAll} never={never} onClose={() => setFilter({ rules: "" })} />}
    </Page>
  );
}

function TreeOf({ store, q, menu }: { store: PlacesStore; q: string; menu?: (place: Place) => ReactNode }) {
  const go = useGo();
  const phone = usePhone();
  const { lines: all, toggle, own } = usePlaceLines(store, q);
  // one level at a time has no way down to show: what was found stands by itself, with its path
  const flat = phone && q !== "";
  const lines = flat ? all.filter((line) => found(store.rows.get(line.id)!, q)) : all;
  const useItem = (id: string) => useRow(store, id);
  const [, setFilter] = useFilter();
  if (lines.length === 0) return <Empty title={t("place.no_match")} action={<Act onClick={() => setFilter({ q: "" })}>{t("filter.clear")}</Act>} />;
  return <PlaceTree label={t("nav.locations")} lines={lines} useItem={useItem} onToggle={toggle} onOpen={(id) => go(`/locations/${id}`)} own={own} menu={menu} paths={flat} />;
}

function Nothing({ why, managed, onAdd, onImport }: { why: string | null; managed: boolean; onAdd: () => void; onImport: () => void }) {
  return (
    <Empty
      title={t("place.empty")}
      action={
        why === null ? (
          <Line gap={8}>
            <Act primary onClick={onAdd} id="empty-add-place">
              {t("place.add_first")}
            </Act>
            <Act onClick={onImport} id="empty-import">
              {t("place.import")}
            </Act>
          </Line>
        ) : undefined
      }
    >
      {managed ? t("place.empty_managed") : t("place.empty_text")}
    </Empty>
  );
}
