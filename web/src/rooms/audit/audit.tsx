import { useMemo, useState } from "react";
import { query } from "@/api/client";
import { useMay, useSession } from "@/api/session";
import type { AuditAct, User } from "@/api/types";
import { useActs } from "@/live/audit";
import { usePlaces } from "@/live/places";
import { useTurned } from "@/live/turns";
import { useViews } from "@/live/views";
import { Act, At, DateField, Download, Empty, ErrorNote, FilterChip, Filters, Grow, InlineChoice, Line, LinkButton, Loading, Page, SearchField, Stack, Table, Text, Two, useFilter, ViewsMenu, type Column, type Entry } from "@/ui";
import { format, locale, t, type Key } from "@/words";
import { ActDialog } from "./act";
import { Proof } from "./proof";
import { changeText, type Names } from "./fields";
import { actWord, GROUPS, KINDS, kindWord, PERIODS, question, RESULTS, resultWord, subjectName, toldPerson, whoName } from "./words";

const VIEW = ["q", "kind", "acts", "act", "who", "device", "subject", "address", "result", "when", "since", "until"];
const NOTHING = Object.fromEntries(VIEW.map((field) => [field, ""]));
const split = (text: string | undefined) => (text ? text.split(",").filter(Boolean) : []);

export function Audit() {
  const [filter, setFilter] = useFilter();
  const may = useMay("administer");
  const views = useViews("/audit", VIEW, filter, setFilter);
  // a period begins when it is chosen: with each second it would be another question
  const chosen = JSON.stringify(VIEW.map((field) => filter[field]));
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const asked = useMemo(() => question(filter, Date.now()), [chosen]);
  if (!may)
    return (
      <Page title={t("nav.audit")}>
        <Empty title={t("tool.not_allowed")} id="audit-not-allowed" />
      </Page>
    );
  const file = query(asked);
  return (
    <Page
      title={t("nav.audit")}
      aside={<Proof />}
      tools={
        <Line gap={8}>
          <Download href={`/api/v1/audit/export.csv${file && `?${file}`}`} id="audit-csv">{t("audit.csv")}</Download>
          <Download href={`/api/v1/audit/export.jsonl${file && `?${file}`}`} id="audit-jsonl">{t("audit.jsonl")}</Download>
        </Line>
      }
    >
      <Stack gap={12}>
        <Filters>
          <SearchField id="filter-q" label={t("audit.find")} value={filter.q ?? ""} onChange={(q) => setFilter({ q })} />
          <FilterChip id="filter-acts" name={t("audit.what")} values={split(filter.acts)} onChange={(v) => setFilter({ acts: v.join(), act: "" })} options={Object.keys(GROUPS).map((group) => ({ value: group, text: t(`acts.${group}` as Key), label: t(`acts.${group}` as Key) }))} />
          <FilterChip id="filter-kind" name={t("audit.by")} values={split(filter.kind)} onChange={(v) => setFilter({ kind: v.join() })} options={KINDS.map((kind) => ({ value: kind, text: kindWord(kind), label: kindWord(kind) }))} />
          <FilterChip id="filter-result" name={t("audit.how")} values={split(filter.result)} onChange={(v) => setFilter({ result: v.join() })} options={RESULTS.map((result) => ({ value: result, text: resultWord(result), label: resultWord(result) }))} />
          <Chosen />
          <When />
          {views.query && (
            <LinkButton id="filter-clear" onClick={() => setFilter(NOTHING)}>
              {t("filter.clear")}
            </LinkButton>
          )}
          <ViewsMenu {...views} />
        </Filters>
        <Part />
        <List asked={asked} filtered={views.query !== ""} onClear={() => setFilter(NOTHING)} />
      </Stack>
    </Page>
  );
}

/** Who is limited to a part of the places is told so: else what is not listed would seem not to have happened. */
function Part() {
  const { session } = useSession();
  const { value } = useTurned<{ items: User[] }>("users", "/users");
  const own = value?.items.find((user) => user.id === session.person?.id);
  return own && own.places.length > 0 ? <Text dim id="audit-part">{t("audit.part")}</Text> : null;
}

/** Filters that a row set: of one person, device, thing or address. */
function Chosen() {
  const [filter, setFilter] = useFilter();
  const names: Record<string, string> = { act: t("audit.what"), who: t("audit.by"), device: t("field.device"), subject: t("audit.on"), address: t("audit.from") };
  return Object.entries(names).map(([field, name]) => {
    const value = filter[field];
    if (!value) return null;
    const shown = field === "act" ? actWord(value) : filter[`${field}_name`] || value;
    return <FilterChip key={field} id={`filter-${field}`} name={name} values={[value]} onChange={(v) => setFilter({ [field]: v.at(-1), [`${field}_name`]: "" })} options={[{ value, text: shown, label: shown }]} />;
  });
}

function When() {
  const [filter, setFilter] = useFilter();
  const days = filter.when === "days" || Boolean(filter.since || filter.until);
  return (
    <>
      <InlineChoice
        id="filter-when"
        label={t("audit.when")}
        value={days ? "days" : (filter.when ?? "")}
        onChange={(when) => setFilter({ when, since: "", until: "" })}
        options={[{ value: "", label: t("audit.when_any") }, ...Object.entries(PERIODS).map(([value, { name }]) => ({ value, label: t(name) })), { value: "days", label: t("audit.when_days") }]}
      />
      {days && (
        <Line gap={8}>
          <DateField label={t("audit.since")} value={filter.since ?? ""} onChange={(since) => setFilter({ since, when: "days" })} id="filter-since" />
          <DateField label={t("audit.until")} value={filter.until ?? ""} onChange={(until) => setFilter({ until, when: "days" })} id="filter-until" least={filter.since} />
        </Line>
      )}
    </>
  );
}

/** Places by their paths of now; until they are known, by their ids. */
function usePlaceNames(): Names {
  const places = usePlaces();
  return { place: (id) => places.rows.get(id)?.path ?? (places.ready ? undefined : id) };
}

function List({ asked, filtered, onClear }: { asked: Record<string, string | undefined>; filtered: boolean; onClear: () => void }) {
  const { items: acts, next, searched_to: searchedTo, ready, busy, error, more, retry } = useActs(asked);
  const [open, setOpen] = useState<string | null>(null);
  const byId = useMemo(() => new Map(acts.map((act) => [act.id, act])), [acts]);
  const names = usePlaceNames();
  if (!ready) return error ? <ErrorNote error={error} onRetry={retry} id="audit-error" /> : <Loading rows={8} />;
  const shown = open ? byId.get(open) : undefined;
  return (
    <Stack gap={12}>
      <ErrorNote error={error} onRetry={retry} id="audit-error" />
      {acts.length === 0 && !next ? (
        <Empty title={t(filtered ? "audit.no_match" : "audit.empty")} action={filtered ? <Act onClick={onClear}>{t("filter.clear")}</Act> : undefined} id="audit-empty" />
      ) : (
        <ActTable acts={acts} byId={byId} names={names} own={JSON.stringify(asked)} onOpen={setOpen} />
      )}
      {next && (
        <Line gap={12}>
          <Act busy={busy} onClick={more} id="audit-more">
            {t(acts.length < 20 ? "audit.search_on" : "audit.older")}
          </Act>
          {searchedTo && (
            <Text dim>
              {t("audit.searched")} <At time={searchedTo} />
            </Text>
          )}
        </Line>
      )}
      {shown && <ActDialog act={shown} names={names} onClose={() => setOpen(null)} />}
    </Stack>
  );
}

/** Calm when it went as wanted. */
export function Result({ act }: { act: AuditAct }) {
  const tone = act.result === "done" ? undefined : act.result === null ? "unknown" : act.result === "refused" ? "degraded" : "offline";
  return (
    <Text tone={tone} dim={act.result === "done"} id={`result-${act.id}`}>
      {resultWord(act.result)}
    </Text>
  );
}

const onWhat = (act: AuditAct): string => [act.device_name || act.device, subjectName(act)].filter(Boolean).join(" · ");
const took = (act: AuditAct): string => (act.took_s === null || act.took_s < 1 ? "" : format.span(locale(), act.took_s));

function ActTable({ acts, byId, names, own, onOpen }: { acts: AuditAct[]; byId: ReadonlyMap<string, AuditAct>; names: Names; own: string; onOpen: (id: string) => void }) {
  const keys = acts.map((act) => act.id).join();
  const entries = useMemo<Entry[]>(() => keys.split(",").map((id) => ({ key: id, id })), [keys]);
  const columns: Column<AuditAct>[] = [
    { id: "time", name: t("audit.when"), width: "minmax(132px, 0.7fr)", cell: (act) => <At time={act.time} /> },
    { id: "who", name: t("audit.by"), width: "minmax(120px, 1fr)", cell: (act) => <Two first={<Text>{whoName(act)}</Text>} second={toldPerson(act) ? t("audit.told_by_agent", { name: toldPerson(act) }) : act.who.kind === "person" ? "" : kindWord(act.who.kind)} /> },
    { id: "what", name: t("audit.what"), width: "minmax(150px, 1.3fr)", cell: (act) => <Text strong>{actWord(act.act)}</Text> },
    { id: "on", name: t("audit.on"), width: "minmax(130px, 1.3fr)", cell: (act) => <Text title={onWhat(act)} clip>{onWhat(act) || "–"}</Text> },
    { id: "change", name: t("audit.change"), width: "minmax(130px, 1.5fr)", cell: (act) => <Text dim clip title={changeText(act, names)}>{changeText(act, names)}</Text> },
    { id: "result", name: t("audit.how"), width: "minmax(88px, 0.6fr)", cell: (act) => <Two first={<Result act={act} />} second={took(act)} /> },
    { id: "from", name: t("audit.from"), width: "minmax(100px, 0.7fr)", from: 1240, cell: (act) => <Text dim mono small>{act.from ?? "–"}</Text> },
  ];
  return (
    <Table<AuditAct>
      label={t("nav.audit")}
      entries={entries}
      own={own}
      columns={columns}
      useItem={(id) => byId.get(id)}
      name={(act) => `${actWord(act.act)}, ${whoName(act)}`}
      rowId={(id) => `act-${id}`}
      tall={44}
      onOpen={onOpen}
      phone={(act) => (
        <Grow>
          <Two
            first={<Text strong>{actWord(act.act)}</Text>}
            second={
              <>
                <span>{[whoName(act), onWhat(act)].filter(Boolean).join(" · ")}</span>
                <Line gap={8}>
                  <At time={act.time} />
                  <Result act={act} />
                  <span>{took(act)}</span>
                </Line>
              </>
            }
          />
        </Grow>
      )}
    />
  );
}
