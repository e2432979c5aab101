import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { Dashboard } from "@/rooms/dashboard/dashboard";
import { DevicePage } from "@/rooms/inventory/device";
import { ProAudio } from "@/rooms/inventory/pro-audio";
import { parseSearch, stringifySearch } from "@/ui";
import { Settings } from "./settings";
import { Broken, NotFound, Shell } from "./shell";

// What is opened first comes with the shell; the rest in chunks of their own.
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Broken });
const top = () => root;
const settings = createRoute({ getParentRoute: top, path: "/settings", component: Settings });
const under = () => settings;

const tree = root.addChildren([
  createRoute({ getParentRoute: top, path: "/", component: Dashboard }),
  createRoute({ getParentRoute: top, path: "/locations", component: lazyRouteComponent(() => import("@/rooms/inventory/places"), "Locations") }),
  createRoute({ getParentRoute: top, path: "/locations/$id", component: lazyRouteComponent(() => import("@/rooms/inventory/place"), "PlacePage") }),
  createRoute({ getParentRoute: top, path: "/devices/pro-audio", component: ProAudio }),
  createRoute({ getParentRoute: top, path: "/devices/$id", component: DevicePage }),
  createRoute({ getParentRoute: top, path: "/servers", component: lazyRouteComponent(() => import("@/rooms/agents/servers"), "Servers") }),
  createRoute({ getParentRoute: top, path: "/servers/$id", component: lazyRouteComponent(() => import("@/rooms/agents/server"), "ServerPath") }),
  createRoute({ getParentRoute: top, path: "/reports", component: lazyRouteComponent(() => import("@/rooms/reports/access"), "Access") }),
  createRoute({ getParentRoute: top, path: "/audit", component: lazyRouteComponent(() => import("@/rooms/audit/audit"), "Audit") }),
  createRoute({ getParentRoute: top, path: "/users", component: lazyRouteComponent(() => import("@/rooms/people/users"), "Users") }),
  settings.addChildren([
    createRoute({
      getParentRoute: under,
      path: "/",
      beforeLoad: () => {
        throw redirect({ to: "/settings/account", replace: true });
      },
    }),
    createRoute({ getParentRoute: under, path: "/account", component: lazyRouteComponent(() => import("@/rooms/people/account"), "Account") }),
    createRoute({ getParentRoute: under, path: "/keys", component: lazyRouteComponent(() => import("@/rooms/people/keys"), "Keys") }),
    createRoute({ getParentRoute: under, path: "/organization", component: lazyRouteComponent(() => import("@/rooms/organization/organization"), "Organization") }),
    createRoute({ getParentRoute: under, path: "/services", component: lazyRouteComponent(() => import("@/rooms/audit/streams"), "Streams") }),
    createRoute({ getParentRoute: under, path: "/external", component: lazyRouteComponent(() => import("@/rooms/external/external"), "External") }),
    createRoute({ getParentRoute: under, path: "/credentials", component: lazyRouteComponent(() => import("@/rooms/local/credentials"), "Credentials") }),
    createRoute({ getParentRoute: under, path: "/ceiling", component: lazyRouteComponent(() => import("@/rooms/local/ceiling"), "CeilingSettings") }),
    createRoute({ getParentRoute: under, path: "/discovery", component: lazyRouteComponent(() => import("@/rooms/local/discovery"), "DiscoverySettings") }),
  ]),
  createRoute({ getParentRoute: top, path: "/ui", component: lazyRouteComponent(() => import("@/rooms/gallery/gallery"), "Gallery") }),
]);

export const router = createRouter({ routeTree: tree, parseSearch, stringifySearch, defaultPreload: false, defaultErrorComponent: Broken, scrollRestoration: true, scrollToTopSelectors: ["#main"] });
