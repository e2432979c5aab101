import { useMemo, useRef } from "react";
import { query } from "@/api/client";
import { useSession } from "@/api/session";
import type { Device } from "@/api/types";
import { useAgents, useDevices, useSummary, type ListStore } from "@/live/hooks";
import { usePlaceChoices, usePlaces } from "@/live/places";
import { useViews } from "@/live/views";
import { Act, Empty, FilterChip, Filters, Go, Grow, InlineChoice, Line, LinkButton, Page, SearchField, Stack, StatusMark, Text, useFilter, useGo, ViewsMenu, type ChipOption } from "@/ui";
import { t } from "@/words";
import { DeviceList } from "./device-list";
import { FoundList } from "./found";
import { countText, type Grouping } from "./tree";
import { kindName } from "./words";

const PRO_AUDIO = "pro_audio";
/** What of the address is part of a named view. */
const VIEW = ["q", "status", "site", "agent", "location", "kind", "model", "firmware", "group", "sort", "down"];

/** Every value seen so far, so that a filter does not shrink its own choices. */
function useSeen(store: ListStore<Device>): { models: string[]; versions: string[] } {
  const seen = useRef({ models: new Set<string>(), versions: new Set<string>() });
  for (const device of store.rows.values()) {
    if (device.model) seen.current.models.add(device.model);
    if (device.firmware_version) seen.current.versions.add(device.firmware_version);
  }
  const { models, versions } = seen.current;
  return { models: [...models].sort(), versions: [...versions].sort() };
}

const split = (text: string | undefined) => (text ? text.split(",").filter(Boolean) : []);
const plain = (values: string[]): ChipOption[] => values.map((value) => ({ value, label: value, text: value }));

export function ProAudio() {
  const [filter, setFilter] = useFilter();
  const go = useGo();
  const topic = query({ kind: filter.kind || PRO_AUDIO, status: filter.status, site: filter.site, agent: filter.agent, location: filter.location, model: filter.model, firmware: filter.firmware, q: filter.q });
  const store = useDevices(topic);
  const summary = useSummary();
  const agents = useAgents();
  const seen = useSeen(store);

  const group = (["site", "location", "stack", "firmware"].includes(filter.group ?? "") ? filter.group : "") as Grouping;
  const sort = filter.sort || "status";
  const down = filter.down === "1";
  const filtered = Boolean(filter.status || filter.model || filter.firmware || filter.q || filter.kind || filter.site || filter.agent || filter.location);

  const views = useViews("/devices/pro-audio", VIEW, filter, setFilter);
  const places = usePlaces();
  const choices = usePlaceChoices(places);
  const located = useMemo<ChipOption[]>(() => [{ value: "none", label: t("put.nowhere"), text: t("put.nowhere") }, ...choices.map(({ value, label }) => ({ value, label, text: label }))], [choices]);
  const sites = new Map<string, string>();
  for (const agent of agents.rows.values()) sites.set(agent.site.id, agent.site.name);

  return (
    <Page title={t("nav.pro_audio")} aside={<Head store={store} filtered={filtered} summary={summary.value} view={views.current?.name} />}>
      <Stack gap={12}>
        <Filters>
          <SearchField id="filter-q" label={t("filter.search")} value={filter.q ?? ""} onChange={(q) => setFilter({ q })} />
          <FilterChip id="filter-status" name={t("field.status")} values={split(filter.status)} onChange={(v) => setFilter({ status: v.join() })} options={(["offline", "degraded", "unknown", "online"] as const).map((status) => ({ value: status, text: t(`status.${status}`), label: <StatusMark status={status} /> }))} />
          <FilterChip id="filter-site" name={t("field.site")} values={split(filter.site)} onChange={(v) => setFilter({ site: v.join() })} options={[...sites].map(([value, name]) => ({ value, label: name, text: name }))} />
          <FilterChip id="filter-location" name={t("field.location")} values={split(filter.location)} onChange={(v) => setFilter({ location: v.at(-1) })} options={located} />
          <FilterChip id="filter-agent" name={t("field.server")} values={split(filter.agent)} onChange={(v) => setFilter({ agent: v.at(-1) })} options={[...agents.rows.values()].map((agent) => ({ value: agent.id, label: agent.name, text: agent.name }))} />
          <FilterChip id="filter-kind" name={t("field.kind")} values={split(filter.kind)} onChange={(v) => setFilter({ kind: v.join() })} options={["stack", "mixer", "microphone", "expander"].map((kind) => ({ value: kind, label: kindName(kind), text: kindName(kind) }))} />
          <FilterChip id="filter-model" name={t("field.model")} values={split(filter.model)} onChange={(v) => setFilter({ model: v.at(-1) })} options={plain(seen.models)} />
          <FilterChip id="filter-firmware" name={t("field.firmware")} values={split(filter.firmware)} onChange={(v) => setFilter({ firmware: v.at(-1) })} options={plain(seen.versions)} />
          {filtered && (
            <LinkButton id="filter-clear" onClick={() => setFilter({ q: "", status: "", site: "", agent: "", location: "", kind: "", model: "", firmware: "" })}>
              {t("filter.clear")}
            </LinkButton>
          )}
          <ViewsMenu {...views} />
          <Grow>
            <Line justify="end">
              <InlineChoice
                id="group-by"
                label={t("filter.group")}
                value={group}
                onChange={(value) => setFilter({ group: value })}
                options={[
                  { value: "", label: t("filter.group_none") },
                  { value: "location", label: t("field.location") },
                  { value: "site", label: t("field.site") },
                  { value: "stack", label: t("kind.stack") },
                  { value: "firmware", label: t("field.firmware") },
                ]}
              />
            </Line>
          </Grow>
        </Filters>
        <FoundList shown={filter.found === "1"} onShow={(on) => setFilter({ found: on ? "1" : "" })} site={filter.site} />
        <DeviceList
          label={t("nav.pro_audio")}
          store={store}
          topic={topic}
          frame={filtered ? { site: filter.site, agent: filter.agent } : undefined}
          group={group}
          sort={sort}
          down={down}
          onSort={(id, falls) => setFilter({ sort: id === "status" ? "" : id, down: falls ? "1" : "" })}
          empty={
            filtered ? (
              <Empty title={t("devices.no_match")} action={<Act id="empty-clear" onClick={() => go("/devices/pro-audio")}>{t("filter.clear")}</Act>} />
            ) : (
              <NoDevices />
            )
          }
        />
      </Stack>
    </Page>
  );
}

function Head({ store, filtered, summary, view }: { store: ListStore<Device>; filtered: boolean; summary: ReturnType<typeof useSummary>["value"]; view?: string }) {
  if (filtered) {
    // the first pages do not tell the kinds of all
    const counted = store.state.next === null ? countText(store.rows.values()) : t("count.devices", { n: store.state.total });
    return (
      <Text dim id="devices-head">
        {[view, store.ready && t("devices.head_filtered", { n: store.state.total, what: counted })].filter(Boolean).join(" · ")}
      </Text>
    );
  }
  const sum = (counts: object | undefined) => Object.values(counts ?? {}).reduce((n: number, each) => n + Number(each), 0);
  if (!summary) return null;
  const peripherals = sum(summary.kinds.microphone) + sum(summary.kinds.expander);
  return (
    <Text dim id="devices-head">
      {t("devices.head", { mixers: t("count.mixers", { n: sum(summary.kinds.mixer) }), stacks: t("count.stacks", { n: sum(summary.stacks) }), peripherals: t("count.peripherals", { n: peripherals }) })}
    </Text>
  );
}

function NoDevices() {
  const agents = useAgents();
  const scanning = [...agents.rows.values()].filter((agent) => agent.state === "connected");
  const { session } = useSession();
  return (
    <Empty title={t("devices.empty")} action={<Go accent to={session.edition === "local_agent" ? "/settings/discovery" : "/servers"}>{t("devices.empty_action")}</Go>}>
      {scanning.length === 0 ? t("devices.empty_no_server") : scanning.map((agent) => t("devices.empty_scanning", { name: agent.name, subnets: agent.subnets.join(", ") || "auto" })).join(" ")}
    </Empty>
  );
}

