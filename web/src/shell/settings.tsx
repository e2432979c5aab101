import { Outlet } from "@tanstack/react-router";
import { useSession } from "@/api/session";
import { Page, SubNav } from "@/ui";
import { t } from "@/words";

export function Settings() {
  const { session } = useSession();
  const local = session.edition === "local_agent";
  const items = [{ to: "/settings/account", name: t("nav.my_account"), id: "account" }, { to: "/settings/keys", name: t("settings.keys"), id: "keys" }];
  if (!local) items.push({ to: "/settings/organization", name: t("settings.organization"), id: "organization" }, { to: "/settings/services", name: t("settings.external"), id: "services" });
  if (local)
    items.push(
      { to: "/settings/external", name: `${t("settings.organization")} › ${t("settings.external")}`, id: "external" },
      { to: "/settings/credentials", name: t("settings.credentials"), id: "credentials" },
      { to: "/settings/ceiling", name: t("settings.ceiling"), id: "ceiling" },
      { to: "/settings/discovery", name: t("settings.discovery"), id: "discovery" },
    );
  return (
    <Page title={t("nav.settings")}>
      <SubNav label={t("nav.settings")} items={[...items, { href: "/api/docs", name: t("settings.api"), id: "api" }]} />
      <Outlet />
    </Page>
  );
}
