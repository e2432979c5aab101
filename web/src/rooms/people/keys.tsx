import { useMemo, useState } from "react";
import { useMay } from "@/api/session";
import type { ApiKey } from "@/api/types";
import { useAway } from "@/live/hooks";
import { usePlaces } from "@/live/places";
import { useTurned } from "@/live/turns";
import { Act, Ago, At, Empty, EndsOn, ErrorNote, Filters, Grow, IconButton, Line, Loading, OutLink, RowMenu, SearchField, Section, Stack, Table, Text, Two, useFilter, useNow, type Column, type Entry } from "@/ui";
import { t } from "@/words";
import { Compat } from "./compat";
import { AddKey } from "./key-add";
import { KeyDetails, RevokeKey } from "./key-dialogs";
import { leftOf, scopeName, startOf } from "./key-words";

const MANY = 8;
const AGAIN_MS = 5_000;
const SOON_MS = 14 * 86_400_000;
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

const LAST = "\u{10ffff}";
const SORTS: Record<string, (key: ApiKey) => string> = {
  name: (key) => key.name,
  person: (key) => key.person.name,
  made: (key) => key.created,
  used: (key) => key.used ?? "",
  expires: (key) => key.expires ?? LAST,
};

/** One's own first; what is asked for, in order. */
export function shownKeys(keys: readonly ApiKey[], filter: Record<string, string | undefined>): ApiKey[] {
  const words = (filter.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (key: ApiKey) => words.every((word) => `${key.name} ${key.person.name} ${key.prefix}`.toLowerCase().includes(word));
  const by = SORTS[filter.sort ?? ""] ?? SORTS.name!;
  const sign = filter.down === "1" ? -1 : 1;
  return keys.filter(fits).sort((a, b) => Number(b.mine) - Number(a.mine) || sign * collator.compare(by(a), by(b)) || collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
}

export function Keys() {
  // who may do less makes a key do less; when one was used last no topic tells
  const { value, error, retry } = useTurned<{ items: ApiKey[] }>("keys,users", "/keys", true, AGAIN_MS);
  const [filter, setFilter] = useFilter();
  const may = useMay("administer");
  const away = useAway() !== null;
  const where = useWhere();
  const why = !may ? t("keys.may_not") : away ? t("tool.hub_lost") : null;
  const keys = value?.items ?? [];
  const shown = shownKeys(keys, filter);
  const open = keys.find((key) => key.id === filter.key);
  return (
    <Stack gap={24}>
      <Section title={t("settings.keys")} count={value ? keys.length : undefined} id="keys" end={<IconButton icon="plus" label={t("keys.add")} id="add-key" reason={why} onClick={() => setFilter({ add: "1" })} />}>
        <Stack gap={12}>
          <Line justify="between" align="base">
            <Text dim>{t("keys.text")}</Text>
            <OutLink href="/api/docs" id="keys-docs">{t("keys.docs")}</OutLink>
          </Line>
          {keys.length > MANY && (
            <Filters>
              <SearchField id="filter-q" label={t("keys.find")} value={filter.q ?? ""} onChange={(q) => setFilter({ q })} />
            </Filters>
          )}
          <ErrorNote error={error} onRetry={retry} />
          {!value ? (
            !error && <Loading rows={4} />
          ) : keys.length === 0 ? (
            <Empty title={t("keys.none")} id="keys-none" action={may && <Act primary onClick={() => setFilter({ add: "1" })} disabled={away} id="keys-none-add">{t("keys.add")}</Act>}>
              {t(may ? "keys.none_text" : "keys.none_monitor")}
            </Empty>
          ) : shown.length === 0 ? (
            <Empty title={t("keys.no_match")} action={<Act onClick={() => setFilter({ q: "" })}>{t("filter.clear")}</Act>} />
          ) : (
            <KeyTable keys={shown} own={JSON.stringify(filter)} where={where} />
          )}
        </Stack>
      </Section>
      <Compat />
      {filter.add === "1" && may && <AddKey onClose={() => setFilter({ add: "" })} />}
      {open && <KeyDetails item={open} where={where(open)} onClose={() => setFilter({ key: "" })} />}
    </Stack>
  );
}

/** Places by their paths; one that is gone is said so. */
function useWhere(): (key: ApiKey) => string {
  const places = usePlaces();
  return (key) => (key.places.length === 0 ? t("keys.everywhere", { person: key.person.name }) : key.places.map((id) => places.rows.get(id)?.path ?? t("users.place_gone")).join("; "));
}

/** Two groups as soon as there are others' keys. */
function linesOf(keys: ApiKey[]): Entry[] {
  const rows = (some: ApiKey[]) => some.map((key) => ({ key: key.id, id: key.id }));
  const [mine, others] = [keys.filter((key) => key.mine), keys.filter((key) => !key.mine)];
  if (others.length === 0) return rows(mine);
  const heading = (text: string, n: number) => (
    <>
      <Text strong>{text}</Text> <Text dim>{n}</Text>
    </>
  );
  const own = mine.length > 0 ? [{ key: "mine", heading: heading(t("keys.mine"), mine.length) }, ...rows(mine)] : [];
  return [...own, { key: "others", heading: heading(t("keys.others"), others.length) }, ...rows(others)];
}

function KeyTable({ keys, own, where }: { keys: ApiKey[]; own: string; where: (key: ApiKey) => string }) {
  const [filter, setFilter] = useFilter();
  const byId = useMemo(() => new Map(keys.map((key) => [key.id, key])), [keys]);
  const columns: Column<ApiKey>[] = [
    { id: "name", name: t("field.name"), width: "minmax(150px, 1.6fr)", sort: true, cell: (key) => <Two first={<Text strong title={key.name}>{key.name}</Text>} second={<Text mono>{startOf(key)}</Text>} /> },
    { id: "person", name: t("field.person"), width: "minmax(90px, 1fr)", sort: true, cell: (key) => key.person.name },
    { id: "may", name: t("field.may"), width: "minmax(150px, 1.5fr)", cell: (key) => <May item={key} /> },
    { id: "where", name: t("field.where"), width: "minmax(110px, 1.3fr)", cell: (key) => <Text title={where(key)} dim={key.places.length === 0}>{where(key)}</Text> },
    { id: "made", name: t("field.made"), width: "minmax(132px, 0.7fr)", sort: true, from: 1240, cell: (key) => <At time={key.created} /> },
    { id: "used", name: t("field.last_used"), width: "minmax(104px, 0.9fr)", sort: true, cell: (key) => <Used item={key} /> },
    { id: "expires", name: t("field.expires"), width: "minmax(104px, 1fr)", sort: true, cell: (key) => <Expires item={key} /> },
    { id: "menu", name: "", width: "36px", free: true, cell: (key) => <KeyMenu item={key} /> },
  ];
  return (
    <Table<ApiKey>
      label={t("settings.keys")}
      entries={linesOf(keys)}
      own={own}
      columns={columns}
      useItem={(id) => byId.get(id)}
      name={(key) => key.name}
      rowId={(id) => `key-row-${id}`}
      tall={44}
      sort={{ id: filter.sort || "name", down: filter.down === "1" }}
      onSort={(sort) => setFilter({ sort: sort.id === "name" ? "" : sort.id, down: sort.down ? "1" : "" })}
      onOpen={(id) => setFilter({ key: id })}
      phone={(key) => (
        <>
          <Grow>
            <Stack gap={4}>
              <Text strong wrap>{key.name}</Text>
              <Text dim small wrap>{[startOf(key), key.person.name, where(key)].filter(Boolean).join(" · ")}</Text>
              <May item={key} />
              <Line gap={8}>
                <Text dim small>{t("field.last_used")}</Text> <Used item={key} />
              </Line>
              {key.expires && (
                <Line gap={8}>
                  <Text dim small>{t("field.expires")}</Text> <Expires item={key} />
                </Line>
              )}
            </Stack>
          </Grow>
          <KeyMenu item={key} />
        </>
      )}
    />
  );
}

/** The scope; below it what is left of it where that is less, and why. */
function May({ item }: { item: ApiKey }) {
  const left = leftOf(item);
  if (!left) return <Text>{scopeName(item.scope)}</Text>;
  return (
    <Two
      first={
        <>
          {scopeName(item.scope)} <Text tone={item.scope_now ? "degraded" : "offline"}>{left.left}</Text>
        </>
      }
      second={<Text title={left.why}>{left.why}</Text>}
    />
  );
}

function Used({ item }: { item: ApiKey }) {
  if (!item.used) return <Text dim>{t("keys.never_used")}</Text>;
  return <Two first={<Ago time={item.used} />} second={item.used_from && t("keys.from", { address: item.used_from })} />;
}

function Expires({ item }: { item: ApiKey }) {
  const now = useNow();
  if (!item.expires) return <Text dim>{t("keys.never")}</Text>;
  const soon = Date.parse(item.expires) - now < SOON_MS;
  return (
    <Text tone={soon ? "degraded" : undefined}>
      <EndsOn time={item.expires} />
    </Text>
  );
}

function KeyMenu({ item }: { item: ApiKey }) {
  const [revoking, setRevoking] = useState(false);
  const [, setFilter] = useFilter();
  const away = useAway() !== null;
  return (
    <>
      <RowMenu
        id={`key-menu-${item.id}`}
        label={t("keys.menu", { name: item.name })}
        entries={[
          { label: t("keys.details"), id: "key-details", onClick: () => setFilter({ key: item.id }) },
          { label: t("keys.revoke"), id: "key-revoke", danger: true, reason: away ? t("tool.hub_lost") : null, onClick: () => setRevoking(true) },
        ]}
      />
      {revoking && <RevokeKey item={item} onClose={() => setRevoking(false)} />}
    </>
  );
}
