import { MantineProvider, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import "@mantine/core/styles.css";
import "./ui.css";
import { Link, useRouterState } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";
import { t } from "@/words";
import { IconButton } from "./forms";
import { theme } from "./theme";

export function Root({ children }: { children: ReactNode }) {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      {children}
    </MantineProvider>
  );
}

export type Scheme = "auto" | "light" | "dark";

export function useScheme(): { scheme: Scheme; shown: "light" | "dark"; set: (scheme: Scheme) => void } {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme("light");
  return { scheme: colorScheme, shown, set: setColorScheme };
}

/** What is cut off can be read by pointing at it, wherever it is cut. */
function tellClipped(event: { target: EventTarget }): void {
  const clipped = (event.target as HTMLElement).closest<HTMLElement>(".clip, .two > span, .cell");
  if (!clipped) return;
  const own = clipped.dataset.told !== undefined;
  if (!own && (clipped.title || clipped.querySelector("[title]"))) return;
  const cut = clipped.scrollWidth > clipped.clientWidth + 1;
  if (cut) {
    clipped.title = clipped.innerText.replace(/\s+/g, " ").trim();
    clipped.dataset.told = "";
  } else if (own) {
    clipped.removeAttribute("title");
    delete clipped.dataset.told;
  }
}

export function Frame({ nav, search, top, banner, lost, children }: { nav: ReactNode; search: ReactNode; top: ReactNode; banner?: ReactNode; lost: boolean; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.href });
  // a hit of the search leads away without a click on a link
  useEffect(() => setOpen(false), [path]);
  return (
    <div className={lost ? "frame lost" : "frame"}>
      <a className="skip" href="#main" data-testid="skip">
        {t("frame.skip")}
      </a>
      <button type="button" className="scrim" data-open={open} aria-label={t("action.close")} tabIndex={-1} onClick={() => setOpen(false)} />
      <nav className="frame-nav" data-open={open} aria-label={t("frame.navigation")} onClick={(event) => (event.target as HTMLElement).closest("a") && setOpen(false)}>
        {search}
        {nav}
      </nav>
      <div>
        {banner}
        <section className="frame-top" aria-label={t("nav.my_account")}>
          <span className="frame-burger">
            <IconButton icon="menu" label={t("frame.menu")} onClick={() => setOpen(true)} id="nav-open" />
          </span>
          {top}
        </section>
      </div>
      <main className="frame-main" id="main" tabIndex={-1} onPointerOver={tellClipped}>
        {children}
      </main>
    </div>
  );
}

export function Brand({ name, icon, to }: { name: string; icon: string; to?: string }) {
  const body = (
    <>
      <img src={icon} alt="" />
      <span className="clip">{name}</span>
    </>
  );
  if (!to) return <span className="brand">{body}</span>;
  return (
    <Link to={to as never} className="brand">
      {body}
    </Link>
  );
}

export function NavGroup({ name }: { name: string }) {
  return <div className="nav-group">{name}</div>;
}

export function NavItem({ to, name, id, exact, end }: { to: string; name: string; id: string; exact?: boolean; end?: ReactNode }) {
  return (
    <Link to={to as never} className="nav-item" data-testid={`nav-${id}`} activeOptions={{ exact: exact ?? false, includeSearch: false }}>
      {name}
      {end && <span className="count">{end}</span>}
    </Link>
  );
}

/** `href`: a page that is none of this client's own. */
type SubPage = { to: string; name: string; id: string; href?: undefined } | { href: string; name: string; id: string };

export function SubNav({ items, label }: { items: SubPage[]; label: string }) {
  return (
    <nav className="sub-nav" aria-label={label}>
      {items.map((item) =>
        item.href !== undefined ? (
          <a key={item.id} href={item.href} data-testid={`nav-${item.id}`}>
            {item.name}
          </a>
        ) : (
          <Link key={item.id} to={item.to as never} data-testid={`nav-${item.id}`} activeOptions={{ exact: true, includeSearch: false }}>
            {item.name}
          </Link>
        ),
      )}
    </nav>
  );
}
