import { useMemo, useState } from "react";
import { useMay, useSession } from "@/api/session";
import type { User } from "@/api/types";
import { useAway } from "@/live/hooks";
import { foundPeople } from "@/live/people";
import { usePlaces } from "@/live/places";
import { useTurned } from "@/live/turns";
import { useViews } from "@/live/views";
import { Act, Ago, At, Empty, EndsOn, ErrorNote, FilterChip, Filters, Grow, IconButton, Line, LinkButton, Loading, Page, PersonMark, personState, roleName, RowMenu, SearchField, Stack, Table, Text, Two, useFilter, useNow, ViewsMenu, type Column, type Entry, type PersonState } from "@/ui";
import { t, type Key } from "@/words";
import { AddUsers } from "./add-users";
import { UserDialog, type UserAct } from "./user-dialogs";
import { shownName, whyLocked, whyNotSignIn } from "./user-words";

const STATES: PersonState[] = ["active", "invited", "disabled", "ended"];
const ROLES = ["monitor", "administrator", "owner"] as const;
const VIEW = ["q", "state", "role", "sort", "down"];
const split = (text: string | undefined) => (text ? text.split(",").filter(Boolean) : []);
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

type SortKey = (user: User, now: number) => string;
const LAST = "\u{10ffff}";
const SORTS: Record<string, SortKey> = {
  name: (user) => shownName(user),
  role: (user) => String(9 - ROLES.indexOf((user.role ?? "monitor") as (typeof ROLES)[number])),
  state: (user, now) => String(STATES.indexOf(personState(user, now) ?? "active")),
  ends: (user) => user.ends ?? LAST,
  seen: (user) => user.last_seen ?? "",
  by: (user) => user.invited_by || LAST,
};

/** Whom a filter lets through, in order. */
export function shownUsers(users: readonly User[], filter: Record<string, string | undefined>, now: number): User[] {
  const [states, roles] = [split(filter.state), split(filter.role)];
  const fits = (user: User) =>
    (states.length === 0 || states.includes(personState(user, now) ?? "")) && (roles.length === 0 || roles.includes(user.role ?? ""));
  const key = SORTS[filter.sort ?? ""] ?? SORTS.name!;
  const sign = filter.down === "1" ? -1 : 1;
  return foundPeople(users, filter.q ?? "").filter(fits).sort((a, b) => sign * collator.compare(key(a, now), key(b, now)) || collator.compare(shownName(a), shownName(b)) || (a.id < b.id ? -1 : 1));
}

export function Users() {
  const { value, error, retry } = useTurned<{ items: User[] }>("users", "/users");
  const [filter, setFilter] = useFilter();
  const may = useMay("administer");
  const away = useAway() !== null;
  const now = useNow();
  const views = useViews("/users", VIEW, filter, setFilter);
  const why = !may ? t("tool.not_allowed") : away ? t("tool.hub_lost") : null;
  const users = value?.items ?? [];
  const shown = shownUsers(users, filter, now);
  const filtered = Boolean(filter.q || filter.state || filter.role);
  const acting = users.find((user) => user.id === filter.user);
  return (
    <Page
      title={t("nav.users")}
      aside={value && <Head users={users} now={now} view={views.current?.name} />}
      tools={<IconButton icon="plus" label={t("users.add")} id="add-users" reason={why} onClick={() => setFilter({ add: "1" })} />}
    >
      <Stack gap={12}>
        <Filters>
          <SearchField id="filter-q" label={t("users.find")} value={filter.q ?? ""} onChange={(q) => setFilter({ q })} />
          {may && (
            <>
              <FilterChip id="filter-state" name={t("field.state")} values={split(filter.state)} onChange={(v) => setFilter({ state: v.join() })} options={STATES.map((state) => ({ value: state, text: t(`person.${state}` as Key), label: <PersonMark state={state} /> }))} />
              <FilterChip id="filter-role" name={t("field.role")} values={split(filter.role)} onChange={(v) => setFilter({ role: v.join() })} options={ROLES.map((role) => ({ value: role, text: roleName(role), label: roleName(role) }))} />
            </>
          )}
          {filtered && (
            <LinkButton id="filter-clear" onClick={() => setFilter({ q: "", state: "", role: "" })}>
              {t("filter.clear")}
            </LinkButton>
          )}
          <ViewsMenu {...views} />
        </Filters>
        {!may && <Text dim id="users-names-only">{t("users.names_only")}</Text>}
        <ErrorNote error={error} onRetry={retry} />
        {!value ? (
          !error && <Loading rows={6} />
        ) : shown.length === 0 ? (
          <Empty title={t("users.no_match")} action={<Act onClick={() => setFilter({ q: "", state: "", role: "" })}>{t("filter.clear")}</Act>} />
        ) : (
          <UserTable users={shown} own={JSON.stringify(filter)} />
        )}
      </Stack>
      {filter.add === "1" && <AddUsers onClose={() => setFilter({ add: "" })} />}
      {acting && <UserDialog act="change" user={acting} onClose={() => setFilter({ user: "" })} />}
    </Page>
  );
}

function Head({ users, now, view }: { users: User[]; now: number; view?: string }) {
  const invited = users.filter((user) => personState(user, now) === "invited").length;
  return (
    <Text dim id="users-head">
      {[view, t("count.people", { n: users.length }), invited > 0 && t("count.invited", { n: invited })].filter(Boolean).join(" · ")}
    </Text>
  );
}

/** Names of places by id; one that is gone is said so. */
function useWhere(): (user: User) => string {
  const places = usePlaces();
  return (user) => (!user.state ? "–" : user.places.length === 0 ? t("users.everywhere") : user.places.map((id) => places.rows.get(id)?.path ?? t("users.place_gone")).join("; "));
}

function UserTable({ users, own }: { users: User[]; own: string }) {
  const { session } = useSession();
  const may = useMay("administer");
  const [filter, setFilter] = useFilter();
  const where = useWhere();
  const byId = useMemo(() => new Map(users.map((user) => [user.id, user])), [users]);
  const keys = users.map((user) => user.id).join();
  const entries = useMemo<Entry[]>(() => keys.split(",").map((id) => ({ key: id, id })), [keys]);
  const useItem = (id: string) => byId.get(id);
  const none = <Text dim>–</Text>;
  const you = (user: User) => user.id === session.person?.id && <Text dim small>{t("users.you")}</Text>;
  const name: Column<User> = {
    id: "name",
    name: t("field.name"),
    width: "minmax(180px, 2fr)",
    sort: true,
    cell: (user) => (
      <Two
        first={
          <>
            <Text strong>{shownName(user)}</Text> {you(user)}
          </>
        }
        second={user.sign_in && user.sign_in !== user.name ? user.sign_in : ""}
      />
    ),
  };
  const columns: Column<User>[] = !may
    ? [name]
    : [
        name,
        { id: "role", name: t("field.role"), width: "minmax(96px, 0.8fr)", sort: true, cell: (user) => roleName(user.role) },
        { id: "where", name: t("field.where"), width: "minmax(110px, 1.2fr)", cell: (user) => <Text title={where(user)}>{where(user)}</Text> },
        { id: "state", name: t("field.state"), width: "minmax(100px, 0.8fr)", sort: true, cell: (user) => <State user={user} /> },
        { id: "ends", name: t("field.ends"), width: "minmax(92px, 0.7fr)", sort: true, cell: (user) => (user.ends ? <EndsOn time={user.ends} /> : none) },
        { id: "seen", name: t("field.last_sign_in"), width: "minmax(88px, 0.7fr)", sort: true, cell: (user) => (user.last_seen ? <Ago time={user.last_seen} /> : none) },
        { id: "by", name: t("field.invited_by"), width: "minmax(90px, 0.8fr)", sort: true, from: 1240, cell: (user) => user.invited_by || none },
        { id: "until", name: t("field.link_until"), width: "minmax(92px, 0.7fr)", from: 1240, cell: (user) => <LinkUntil user={user} /> },
        { id: "menu", name: "", width: "36px", free: true, cell: (user) => <UserMenu user={user} /> },
      ];
  return (
    <Table<User>
      label={t("nav.users")}
      entries={entries}
      own={own}
      columns={columns}
      useItem={useItem}
      name={shownName}
      rowId={(id) => `user-row-${id}`}
      tall={44}
      sort={{ id: filter.sort || "name", down: filter.down === "1" }}
      onSort={(sort) => setFilter({ sort: sort.id === "name" ? "" : sort.id, down: sort.down ? "1" : "" })}
      onOpen={(id) => may && setFilter({ user: id })}
      phone={(user) => (
        <>
          <Grow>
            <Two
              first={
                <>
                  <Text strong>{shownName(user)}</Text> {you(user)}
                </>
              }
              second={
                may && (
                  <>
                    <Line gap={8}>
                      <State user={user} />
                      <span>{[roleName(user.role), where(user)].join(" · ")}</span>
                    </Line>
                    {user.ends && (
                      <span>
                        {t("field.ends")} <EndsOn time={user.ends} />
                      </span>
                    )}
                  </>
                )
              }
            />
          </Grow>
          {may && <UserMenu user={user} />}
        </>
      )}
    />
  );
}

function State({ user }: { user: User }) {
  const state = personState(user, useNow());
  return state ? <PersonMark state={state} id={user.id} /> : <Text dim>–</Text>;
}

/** Until when somebody invited can still join; a link that ran out says what to do. */
function LinkUntil({ user }: { user: User }) {
  const now = useNow();
  if (user.state !== "invited") return <Text dim>–</Text>;
  if (!user.invited_until || Date.parse(user.invited_until) <= now) return <Text tone="degraded">{t("users.link_over")}</Text>;
  return <At time={user.invited_until} />;
}

function UserMenu({ user }: { user: User }) {
  const [act, setAct] = useState<UserAct | null>(null);
  const away = useAway() !== null;
  const { session } = useSession();
  const reason = whyLocked(user, away);
  const entry = (which: UserAct, label: string, danger?: boolean) => ({ label, onClick: () => setAct(which), id: `user-${which}`, danger, reason });
  const sign = (which: "reset" | "sign-out" | "factor", label: string, danger?: boolean) => ({ ...entry(which, label, danger), reason: whyNotSignIn(user, session, away, which) });
  const entries = [
    entry("change", t("users.change")),
    ...(user.state === "invited" ? [] : [sign("reset", t("users.reset")), sign("sign-out", t("users.sign_out")), sign("factor", t("users.factor"), true)]),
    user.state === "invited" ? entry("again", t("users.again")) : user.state === "disabled" ? entry("enable", t("users.enable")) : entry("disable", t("users.disable")),
    entry("remove", t(user.state === "invited" ? "users.withdraw" : "users.remove"), true),
  ];
  return (
    <>
      <RowMenu id={`user-menu-${user.id}`} label={t("server.menu", { name: shownName(user) })} entries={entries} />
      {act && <UserDialog act={act} user={user} onClose={() => setAct(null)} />}
    </>
  );
}
