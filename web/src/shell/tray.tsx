import { useRouterState } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { Device } from "@/api/types";
import { commands, useAsked } from "@/live/commands";
import { outcomeOf, verb } from "@/live/outcome";
import { Outcome, Tray } from "@/ui";
import { t } from "@/words";

/** What was asked from a list, and what became of it; a device's own page shows this beside its controls. */
export function CommandTray() {
  const asked = useAsked();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const shown = asked.filter((item) => !path.endsWith(item.device));
  if (shown.length === 0) return null;
  return (
    <Tray title={t("tray.title", { n: shown.length })} onClose={() => commands.clear()} id="tray">
      {shown.map((item) => (
        <TrayLine key={item.key} item={item} />
      ))}
    </Tray>
  );
}

function TrayLine({ item }: { item: ReturnType<typeof useAsked>[number] }) {
  const device = useQuery({ queryKey: ["device", item.device], queryFn: () => api.get<Device>(`/devices/${item.device}`), staleTime: 60_000 });
  const { phase, text, undoable } = outcomeOf(item);
  const name = device.data ? `${device.data.name || device.data.model} · ${device.data.site.name}` : "…";
  return (
    <Outcome
      phase={phase}
      subject={`${verb(item.capability)} · ${name}`}
      text={text}
      id={item.device}
      onUndo={undoable ? () => commands.undo(item) : undefined}
      onDismiss={() => commands.dismiss(item.key)}
    />
  );
}
