import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, query } from "@/api/client";
import type { Agent, Device, Page } from "@/api/types";
import { AgentMark, Finder, Shape, Text, Two, useGo, type Hit } from "@/ui";
import { t } from "@/words";

function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Searches what there is today: devices and servers. */
export function Search() {
  const [text, setText] = useState("");
  const q = useSettled(text.trim(), 150);
  const go = useGo();
  const devices = useQuery({ queryKey: ["search", q], enabled: q !== "", queryFn: () => api.get<Page<Device>>(`/devices?${query({ q, limit: 8 })}`) });
  const agents = useQuery({ queryKey: ["search-agents"], enabled: q !== "", queryFn: () => api.get<{ items: Agent[] }>("/agents") });
  const fold = q.toLowerCase();
  const hits: Hit[] = [];
  if (q) {
    for (const device of devices.data?.items ?? [])
      hits.push({
        key: device.id,
        group: t("nav.devices"),
        body: (
          <>
            <Shape status={device.status} />
            <Two first={device.name || device.model || device.address} second={[device.model, device.site.name, device.serial_number || device.address].filter(Boolean).join(" · ")} />
          </>
        ),
        act: () => go(`/devices/${device.id}`),
      });
    if ((devices.data?.total ?? 0) > 8)
      hits.push({ key: "all", group: t("nav.devices"), body: <Text>{t("search.all", { n: devices.data!.total! })}</Text>, act: () => go(`/devices/pro-audio?q=${encodeURIComponent(q)}`) });
    for (const agent of (agents.data?.items ?? []).filter((a) => `${a.name} ${a.site.name} ${a.address ?? ""}`.toLowerCase().includes(fold)).slice(0, 5))
      hits.push({ key: agent.id, group: t("nav.servers"), body: <Two first={agent.name} second={<AgentMark state={agent.state} />} />, act: () => go(`/servers/${agent.id}`) });
  }
  return <Finder id="nav-search" label={t("search.label")} value={text} onChange={setText} hits={hits} busy={devices.isFetching || q !== text.trim()} />;
}
