import { Outlet } from "@tanstack/react-router";
import { useSession } from "@/api/session";
import { useAway, useSummary, useWays } from "@/live/hooks";
import { live } from "@/live/socket";
import { Act, Banner, Brand, Empty, Frame, Gate, Go, Grow, Icon, IconButton, NavGroup, NavItem, Page, roleName, RowMenu, Shape, Text, useGo, useScheme } from "@/ui";
import { format, locale, t } from "@/words";
import icon from "./favicon.svg";
import { Search } from "./search";
import { Shortcuts } from "./shortcuts";
import { CommandTray } from "./tray";

export function Shell() {
  const { session, signOut } = useSession();
  const { shown, set } = useScheme();
  const go = useGo();
  const lost = useAway();
  const summary = useSummary();
  const { value: ways } = useWays();
  const problems = (summary.value?.agents.lost ?? 0) + (summary.value?.agents.refused ?? 0) + (summary.value?.agents.held_twice ?? 0);
  const person = session.person!;
  return (
    <Frame
      lost={lost !== null}
      search={
        <>
          <Brand icon={icon} name={session.site?.name || ways?.name || session.name || "Soundpost"} to="/" />
          <Search />
        </>
      }
      nav={
        <>
          <NavGroup name={t("nav.overview")} />
          <NavItem to="/" exact id="dashboard" name={t("nav.dashboard")} />
          <NavItem to="/locations" id="locations" name={t("nav.locations")} />
          {session.rights.includes("administer") && !session.limited && <NavItem to="/reports" id="reports" name={t("nav.reports")} />}
          <NavGroup name={t("nav.devices")} />
          <NavItem to="/devices/pro-audio" id="pro-audio" name={t("nav.pro_audio")} />
          <NavGroup name={t("nav.systems")} />
          <NavItem to="/servers" id="servers" name={t("nav.servers")} end={problems > 0 ? <Shape status="unknown" /> : undefined} />
          {session.rights.includes("administer") && <NavItem to="/audit" id="audit" name={t("nav.audit")} />}
          <NavItem to="/users" id="users" name={t("nav.users")} />
          <NavItem to="/settings" id="settings" name={t("nav.settings")} />
        </>
      }
      banner={
        lost !== null ? (
          <Banner tone="offline" id="banner-lost">
            <Shape status="offline" />
            <Grow>{t("frame.lost", { time: format.timeOfDay(locale(), lost) })}</Grow>
            <Act small onClick={() => live.hurry()} id="banner-retry">
              {t("action.try_now")}
            </Act>
          </Banner>
        ) : undefined
      }
      top={
        <>
          <Grow>
            <Text dim small>
              {session.edition === "local_agent" ? t("edition.local_agent") : ""}
            </Text>
          </Grow>
          <IconButton icon={shown === "dark" ? "sun" : "moon"} label={t(shown === "dark" ? "frame.light" : "frame.dark")} onClick={() => set(shown === "dark" ? "light" : "dark")} id="scheme" />
          <RowMenu
            id="account-menu"
            label={`${t("nav.my_account")}: ${person.name || person.sign_in}`}
            trigger={
              <>
                <Icon name="user" />
                <Text>&nbsp;{person.name || person.sign_in}</Text>
              </>
            }
            head={[roleName(person.role), t(session.edition === "local_agent" ? "edition.local_agent" : "edition.enterprise")].join(" · ")}
            entries={[
              { label: t("nav.my_account"), onClick: () => go("/settings/account"), id: "account-open" },
              { label: t("shortcuts.title"), onClick: () => window.dispatchEvent(new Event("soundpost:shortcuts")), id: "shortcuts-open" },
              { label: t("action.sign_out"), onClick: () => void signOut(), id: "sign-out" },
            ]}
          />
        </>
      }
    >
      <Outlet />
      <CommandTray />
      <Shortcuts />
    </Frame>
  );
}

export function NotFound() {
  return (
    <Page title={t("notfound.title")}>
    <Empty title={t("notfound.text")} action={<Go accent to="/">{t("notfound.action")}</Go>} id="not-found" />
    </Page>
  );
}

/** A fault of this page's own. What it is stands in the browser's console; the reader needs a way on. */
export function Broken() {
  return (
    <Gate title={t("broken.title")} brand={<Brand icon={icon} name="Soundpost" />}>
      <Text>{t("broken.text")}</Text>
      <Act onClick={() => location.reload()} id="broken-reload">
        {t("broken.action")}
      </Act>
    </Gate>
  );
}
