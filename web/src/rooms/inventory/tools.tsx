import { useState } from "react";
import { useMay } from "@/api/session";
import type { Device } from "@/api/types";
import { commands, ended, useAsked } from "@/live/commands";
import { Choice, Confirm, Line, LinkButton, Notice, RowLine, Rows, Stack, Text, Tool, ToolBar } from "@/ui";
import { t } from "@/words";
import { reachedBy } from "./tree";
import { nameOf, placeOf } from "./words";

export interface ToolsProps {
  devices: Device[];
  nested: ReadonlyMap<string, Device[]>;
  sheet?: boolean;
}

/** The same tools above the list, at the row and on the device. One that does not apply says why. */
export function DeviceTools({ devices, nested: children, sheet }: ToolsProps) {
  const may = useMay("control");
  const asked = useAsked();
  const [dialog, setDialog] = useState<"reboot" | "hands_off" | null>(null);
  const reach = (capability: string) => devices.flatMap((device) => reachedBy(device, capability, children));
  const why = (capability: string): string | null => {
    if (devices.length === 0) return t("tool.nothing_selected");
    if (!may) return t("tool.not_allowed");
    const reached = reach(capability);
    if (reached.length === 0) return t("tool.not_here");
    if (reached.every((device) => device.agent?.state === "lost")) return t("tool.server_lost");
    return null;
  };
  const lights = reach("locate");
  const allOn = lights.length > 0 && lights.every((device) => device.locate === true);
  const waiting = (capability: string) => {
    const ids = new Set(reach(capability).map((device) => device.id));
    return asked.some((item) => item.capability === capability && ids.has(item.device) && !item.error && !ended(item.command));
  };
  const run = (capability: string, args: Record<string, unknown>, targets: Device[]) => {
    for (const device of targets) void commands.ask(device.id, capability, args);
  };
  return (
    <>
      <ToolBar label={t("tools.title")} sheet={sheet}>
        <Tool id="locate" icon="locate" name={t("verb.locate")} reason={why("locate")} pressed={allOn} asked={waiting("locate")} onClick={() => run("locate", { on: !allOn }, lights.filter((device) => device.locate !== !allOn))} />
        <Tool id="hands_off" icon="hand" name={t("verb.hands_off")} reason={why("hands_off")} asked={waiting("hands_off")} onClick={() => setDialog("hands_off")} />
        <Tool id="reboot" icon="reboot" name={t("verb.reboot")} danger reason={why("reboot")} asked={waiting("reboot")} onClick={() => setDialog("reboot")} />
        <Tool id="refresh" icon="refresh" name={t("verb.refresh")} reason={why("refresh") === t("tool.not_here") ? null : why("refresh")} asked={waiting("refresh")} onClick={() => run("refresh", {}, reach("refresh").length ? reach("refresh") : devices)} />
      </ToolBar>
      {dialog === "reboot" && (
        <RebootDialog
          targets={reach("reboot")}
          nested={children}
          onClose={() => setDialog(null)}
          onAct={() => {
            run("reboot", { confirm_assumed: true }, reach("reboot"));
            setDialog(null);
          }}
        />
      )}
      {dialog === "hands_off" && (
        <HandsOffDialog
          targets={reach("hands_off")}
          onClose={() => setDialog(null)}
          onAct={(minutes) => {
            run("hands_off", { minutes }, reach("hands_off"));
            setDialog(null);
          }}
        />
      )}
    </>
  );
}

function Targets({ devices }: { devices: Device[] }) {
  return (
    <Rows>
      {devices.slice(0, 8).map((device) => (
        <RowLine key={device.id}>
          <Text strong>{nameOf(device)}</Text>
          <Text dim>{[device.model, placeOf(device)].filter(Boolean).join(" · ")}</Text>
        </RowLine>
      ))}
      {devices.length > 8 && <RowLine>{t("tools.and_more", { n: devices.length - 8 })}</RowLine>}
    </Rows>
  );
}

function RebootDialog({ targets, nested, onAct, onClose }: { targets: Device[]; nested: ReadonlyMap<string, Device[]>; onAct: () => void; onClose: () => void }) {
  const peripherals = targets.reduce((n, device) => n + Math.max(nested.get(device.id)?.length ?? 0, device.children), 0);
  const unproven = targets.some((device) => device.capabilities.reboot !== "evidenced");
  return (
    <Confirm title={t("reboot.title", { n: targets.length })} act={t("verb.reboot")} danger id="reboot" onAct={onAct} onClose={onClose}>
      <Targets devices={targets} />
      <Stack gap={4}>
        <Text>{t("reboot.interrupts")}</Text>
        {peripherals > 0 && <Text>{t("reboot.peripherals", { n: peripherals })}</Text>}
        <Text dim>{t("reboot.no_undo")}</Text>
      </Stack>
      {unproven && <Notice tone="degraded">{t("assumed.reboot")}</Notice>}
    </Confirm>
  );
}

function HandsOffDialog({ targets, onAct, onClose }: { targets: Device[]; onAct: (minutes: number) => void; onClose: () => void }) {
  const [minutes, setMinutes] = useState("60");
  const off = minutes === "0";
  return (
    <Confirm title={t("hands_off.title")} act={off ? t("hands_off.take_back") : t("hands_off.act", { n: Number(minutes) })} id="hands-off" onAct={() => onAct(Number(minutes))} onClose={onClose}>
      <Targets devices={targets} />
      <Text>{t("hands_off.text")}</Text>
      <Choice
        label={t("hands_off.minutes")}
        id="hands-off-minutes"
        value={minutes}
        onChange={setMinutes}
        options={[...["15", "60", "240"].map((value) => ({ value, label: t("hands_off.for", { n: Number(value) }) })), { value: "0", label: t("hands_off.take_back") }]}
      />
    </Confirm>
  );
}

export function Selected({ devices, nested: children, onClear }: { devices: Device[]; nested: ReadonlyMap<string, Device[]>; onClear: () => void }) {
  const stacks = devices.filter((device) => device.kind === "stack");
  const boxes = stacks.reduce((n, stack) => n + Math.max(stack.boxes.length, children.get(stack.id)?.length ?? 0), 0) + devices.filter((device) => device.kind !== "stack").length;
  const text = [stacks.length ? t("count.stacks", { n: stacks.length }) : "", t("count.devices", { n: boxes })].filter(Boolean).join(", ");
  return (
    <Line gap={8}>
      <Text strong id="selected-count">
        {t("tools.selected", { what: text })}
      </Text>
      <LinkButton onClick={onClear} id="select-clear">
        {t("action.clear")}
      </LinkButton>
    </Line>
  );
}
