import { useMemo } from "react";
import { hinders, useMay, useSession } from "@/api/session";
import type { AccessLine, AccessReview } from "@/api/types";
import { useTurned } from "@/live/turns";
import { Ago, At, Download, Empty, EndsOn, ErrorNote, FilterChip, Filters, Grow, Line, LinkButton, Loading, Page, PersonMark, roleName, RowLine, Rows, SearchField, Section, Stack, Table, Text, Two, useFilter, useGo, type Column, type Entry, type PersonState } from "@/ui";
import { maybe, t, type Key } from "@/words";

const split = (text: string | undefined) => (text ? text.split(",").filter(Boolean) : []);
const lookName = (code: string) => t(`look.${code}` as Key);

/** Whom words and what is to be looked at let through. */
export function shownLines(items: readonly AccessLine[], filter: Record<string, string | undefined>): AccessLine[] {
  const words = (filter.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const looks = split(filter.look);
  return items.filter((item) => words.every((word) => `${item.name} ${item.sign_in ?? ""} ${item.by ?? ""}`.toLowerCase().includes(word)) && (looks.length === 0 || item.look.some((look) => looks.includes(look))));
}

export function Access() {
  const may = useMay("administer", true);
  const { session } = useSession();
  if (!may)
    return (
      <Page title={t("nav.reports")}>
        <Empty title={t(hinders(session, "administer") === "part" ? "tool.whole_sees" : "tool.not_allowed")} id="reports-not-allowed" />
      </Page>
    );
  return <Review />;
}

function Review() {
  const { value, error, retry } = useTurned<AccessReview>("users", "/reports/access");
  const [filter, setFilter] = useFilter();
  const shown = shownLines(value?.items ?? [], filter);
  return (
    <Page
      title={t("nav.reports")}
      aside={value && <Text dim id="access-head">{[t("count.people", { n: value.items.filter((item) => item.kind === "person").length }), t("access.keys", { n: value.items.filter((item) => item.kind === "key").length }), t("access.owners", { n: value.owners })].join(" · ")}</Text>}
      tools={
        <Line gap={8}>
          <Download href="/api/v1/reports/access.csv" id="access-csv">{t("audit.csv")}</Download>
          <Download href="/api/v1/reports/access.jsonl" id="access-jsonl">{t("audit.jsonl")}</Download>
        </Line>
      }
    >
      {!value ? (
        error ? <ErrorNote error={error} onRetry={retry} /> : <Loading rows={8} />
      ) : (
        <Stack gap={24}>
          <ErrorNote error={error} onRetry={retry} />
          <Section title={t("access.look")} id="access-look">
            <Look review={value} onLook={(look) => setFilter({ look })} />
          </Section>
          <Section title={t("access.title")} id="access">
            <Stack gap={12}>
              <Text dim wrap>{t("access.what")}</Text>
              <Filters>
                <SearchField id="filter-q" label={t("access.find")} value={filter.q ?? ""} onChange={(q) => setFilter({ q })} />
                <FilterChip id="filter-look" name={t("access.look")} values={split(filter.look)} onChange={(v) => setFilter({ look: v.join() })} options={value.look.map(({ code }) => ({ value: code, text: lookName(code), label: lookName(code) }))} />
                {(filter.q || filter.look) && (
                  <LinkButton id="filter-clear" onClick={() => setFilter({ q: "", look: "" })}>
                    {t("filter.clear")}
                  </LinkButton>
                )}
              </Filters>
              {shown.length === 0 ? <Empty title={t("audit.no_match")} id="access-empty" /> : <AccessTable items={shown} own={JSON.stringify(filter)} />}
            </Stack>
          </Section>
        </Stack>
      )}
    </Page>
  );
}

/** What a reader should ask about, each with how often it is there and what to do. */
function Look({ review, onLook }: { review: AccessReview; onLook: (look: string) => void }) {
  if (review.look.length === 0) return <Text id="access-nothing">{t("access.nothing")}</Text>;
  const among = (code: string) => review.items.some((item) => item.look.some((look) => look === code));
  return (
    <Rows id="access-looks">
      {review.look.map(({ code, count }) => (
        <RowLine
          key={code}
          id={`look-${code}`}
          end={
            among(code) ? (
              <LinkButton onClick={() => onLook(code)} id={`look-${code}-show`}>
                {count}
              </LinkButton>
            ) : undefined
          }
        >
          <Two first={<Text strong>{lookName(code)}</Text>} second={t(`look.${code}_do` as Key)} />
        </RowLine>
      ))}
    </Rows>
  );
}

/** A key that is no wider than its person: everywhere only where both are. */
export const whereOf = (item: AccessLine): string => (item.everywhere ? t("access.everywhere") : item.places.length === 0 ? t("access.nowhere") : item.places.join("; "));
/** What is left of a key's scope, where that is less; "" where it does all of it. */
export const leftOf = (item: AccessLine): string => (!item.weaker ? "" : item.scope_now ? t("keys.now", { scope: maybe(`scope.${item.scope_now}`, item.scope_now) }) : t("keys.nothing"));
const whyLess = (item: AccessLine): string => (item.weaker ? t(`weaker.${item.weaker}` as Key, { person: item.by ?? "" }) : "");
const asWhat = (item: AccessLine) => (item.kind === "key" ? maybe(`scope.${item.role}`, item.role) : roleName(item.role));
const under = (item: AccessLine) => (item.kind === "key" ? t("access.key_of", { name: item.by ?? "" }) : item.sign_in !== item.name ? (item.sign_in ?? "") : "");

function AccessTable({ items, own }: { items: AccessLine[]; own: string }) {
  const go = useGo();
  const byId = useMemo(() => new Map(items.map((item) => [item.id, item])), [items]);
  const keys = items.map((item) => item.id).join();
  const entries = useMemo<Entry[]>(() => keys.split(",").map((id) => ({ key: id, id })), [keys]);
  const none = <Text dim>–</Text>;
  const used = (item: AccessLine) => (item.last_used ? <Ago time={item.last_used} /> : <Text dim>{t("access.never")}</Text>);
  const looks = (item: AccessLine) => item.look.map(lookName).join(" · ");
  const columns: Column<AccessLine>[] = [
    { id: "name", name: t("field.name"), width: "minmax(150px, 1.6fr)", cell: (item) => <Two first={<Text strong>{item.name}</Text>} second={under(item)} /> },
    { id: "role", name: t("field.role"), width: "minmax(92px, 0.8fr)", cell: (item) => <Two first={asWhat(item)} second={leftOf(item) && <span title={whyLess(item)}>{leftOf(item)}</span>} /> },
    { id: "where", name: t("field.where"), width: "minmax(96px, 1fr)", cell: (item) => <Text clip title={whereOf(item)}>{whereOf(item)}</Text> },
    { id: "state", name: t("field.state"), width: "minmax(92px, 0.7fr)", cell: (item) => <PersonMark state={item.state as PersonState} id={item.id} /> },
    { id: "used", name: t("access.last_used"), width: "minmax(88px, 0.7fr)", cell: used },
    { id: "factor", name: t("access.factor"), width: "minmax(84px, 0.6fr)", cell: (item) => (item.second_factor === null ? none : t(item.second_factor ? "value.yes" : "value.no")) },
    { id: "ends", name: t("field.ends"), width: "minmax(92px, 0.7fr)", cell: (item) => (item.ends ? <EndsOn time={item.ends} /> : none) },
    { id: "added", name: t("access.added"), width: "minmax(132px, 0.7fr)", from: 1360, cell: (item) => (item.added ? <At time={item.added} /> : none) },
    { id: "look", name: t("access.look"), width: "minmax(130px, 1.4fr)", cell: (item) => <Text tone={item.look.length > 0 ? "degraded" : undefined} clip title={looks(item)}>{looks(item)}</Text> },
  ];
  return (
    <Table<AccessLine>
      label={t("access.title")}
      entries={entries}
      own={own}
      columns={columns}
      useItem={(id) => byId.get(id)}
      name={(item) => item.name}
      rowId={(id) => `access-${id}`}
      tall={44}
      onOpen={(id) => byId.get(id)?.kind === "person" && go(`/users?user=${id}`)}
      phone={(item) => (
        <Grow>
          <Two
            first={<Text strong>{item.name}</Text>}
            second={
              <>
                <span>{[under(item), asWhat(item), leftOf(item), whereOf(item)].filter(Boolean).join(" · ")}</span>
                <Line gap={8}>
                  <PersonMark state={item.state as PersonState} />
                  {used(item)}
                </Line>
                {item.look.length > 0 && <Text tone="degraded">{looks(item)}</Text>}
              </>
            }
          />
        </Grow>
      )}
    />
  );
}
