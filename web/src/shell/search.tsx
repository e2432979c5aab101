import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, query } from "@/api/client";
import { useMay } from "@/api/session";
import type { Agent, Device, Page, Place, User } from "@/api/types";
import { isHandedOff, useSpecial } from "@/live/standing";
import { useKnown } from "@/live/known";
import { nameOf, placeOf } from "@/live/names";
import { foundPeople, shownName } from "@/live/people";
import { found } from "@/live/places";
import { AgentMark, Finder, Grow, PersonMark, personState, placeKind, roleName, StatusMark, Text, Two, useGo, type Hit } from "@/ui";
import { maybe, t } from "@/words";

function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

function DeviceHit({ device, stack }: { device: Device; stack?: Device }) {
  const { restart } = useSpecial(device);
  return (
    <>
      <Grow>
        <Two first={<Text strong>{nameOf(device)}</Text>} second={[device.model || maybe(`kind.${device.kind}`, device.kind), placeOf(device, stack)].filter(Boolean).join(" · ")} />
      </Grow>
      <StatusMark status={device.status} spell={isHandedOff(device) ? "handed_off" : restart ? "restarting" : null} stale={device.agent?.state === "awaited"} />
    </>
  );
}

/** Searches what there is today: devices, places, servers and, for who may manage them, people. */
export function Search() {
  const [text, setText] = useState("");
  const q = useSettled(text.trim(), 150);
  const go = useGo();
  const devices = useQuery({ queryKey: ["search", q], enabled: q !== "", queryFn: () => api.get<Page<Device>>(`/devices?${query({ q, limit: 8 })}`) });
  const agents = useQuery({ queryKey: ["search-agents"], enabled: q !== "", queryFn: () => api.get<{ items: Agent[] }>("/agents") });
  const places = useQuery({ queryKey: ["search-places"], enabled: q !== "", queryFn: () => api.get<{ items: Place[] }>("/locations") });
  const manages = useMay("administer");
  const users = useQuery({ queryKey: ["search-users"], enabled: q !== "" && manages, queryFn: () => api.get<{ items: User[] }>("/users") });
  const stacks = useKnown((devices.data?.items ?? []).flatMap((device) => (device.stack ? [device.stack] : [])));
  const fold = q.toLowerCase();
  const hits: Hit[] = [];
  if (q) {
    for (const device of devices.data?.items ?? [])
      hits.push({
        key: device.id,
        group: t("nav.devices"),
        body: <DeviceHit device={device} stack={device.stack ? stacks.get(device.stack) : undefined} />,
        act: () => go(`/devices/${device.id}`),
      });
    if ((devices.data?.total ?? 0) > 8)
      hits.push({ key: "all", group: t("nav.devices"), body: <Text>{t("search.all", { n: devices.data!.total! })}</Text>, act: () => go(`/devices/pro-audio?q=${encodeURIComponent(q)}`) });
    for (const place of (places.data?.items ?? []).filter((each) => found(each, q)).slice(0, 5))
      hits.push({ key: place.id, group: t("nav.locations"), body: (
          <>
            <Grow>
              <Two first={<Text strong>{place.name}</Text>} second={[placeKind(place.kind), place.path].join(" · ")} />
            </Grow>
            {place.worst && <StatusMark status={place.worst} />}
          </>
        ), act: () => go(`/locations/${place.id}`) });
    for (const agent of (agents.data?.items ?? []).filter((a) => `${a.name} ${a.site.name} ${a.address ?? ""}`.toLowerCase().includes(fold)).slice(0, 5))
      hits.push({ key: agent.id, group: t("nav.servers"), body: (
          <>
            <Grow>
              <Two first={<Text strong>{agent.name}</Text>} second={[agent.site.name, agent.address].filter(Boolean).join(" · ")} />
            </Grow>
            <AgentMark state={agent.state} />
          </>
        ), act: () => go(`/servers/${agent.id}`) });
    for (const user of foundPeople(users.data?.items ?? [], q).slice(0, 5)) {
      const state = personState(user, Date.now());
      hits.push({ key: user.id, group: t("nav.users"), body: (
          <>
            <Grow>
              <Two first={<Text strong>{shownName(user)}</Text>} second={[roleName(user.role), user.sign_in !== shownName(user) ? user.sign_in : ""].filter(Boolean).join(" · ")} />
            </Grow>
            {state && <PersonMark state={state} />}
          </>
        ), act: () => go(`/users?user=${user.id}`) });
    }
  }
  return <Finder id="nav-search" label={t("search.label")} value={text} onChange={setText} hits={hits} busy={[devices, agents, places, users].some((each) => each.isFetching) || q !== text.trim()} />;
}
