import { useState } from "react";
import { useMay } from "@/api/session";
import type { Device } from "@/api/types";
import { commands, ended, useAsked } from "@/live/commands";
import { useAway } from "@/live/hooks";
import { useCeilings } from "@/live/ceilings";
import { isHandedOff, useSpecials } from "@/live/standing";
import { Line, LinkButton, Text, Tool, ToolBar } from "@/ui";
import { t } from "@/words";
import { HandsOffDialog, RebootDialog } from "./dialogs";
import { PutDialog } from "./put";
import { SendDialog } from "./send";
import { countText, reachedBy } from "./tree";
import { whyNot } from "./why";
import { useWhyNotPut } from "./why-put";

export interface ToolsProps {
  devices: Device[];
  nested: ReadonlyMap<string, Device[]>;
  /** The stack a device belongs to, if it is known here. */
  stackOf: (device: Device) => Device | undefined;
  sheet?: boolean;
}

/** The same tools above the list, at the row and on the device. One that does not apply says why. */
export function DeviceTools({ devices, nested: children, stackOf, sheet }: ToolsProps) {
  const may = useMay("control");
  const whyNobodyPuts = useWhyNotPut();
  const away = useAway() !== null;
  const specials = useSpecials();
  const ceilings = useCeilings();
  const asked = useAsked();
  const [dialog, setDialog] = useState<"reboot" | "hands_off" | "put" | "send" | null>(null);
  // the line belongs to the stack: whoever stands for it, the stack is asked, and once
  const lineOf = (device: Device) => stackOf(device) ?? device;
  const unique = (list: Device[]) => [...new Map(list.map((device) => [device.id, device])).values()];
  const reach = (capability: string) => {
    const reached = devices.flatMap((device) => reachedBy(device, capability, children));
    return capability === "hands_off" ? unique(reached.map(lineOf)) : unique(reached);
  };
  const hindrance = (capability: string, device: Device): string | null => {
    // a line that is handed off can be handed off for longer
    const free = capability === "hands_off" ? { ...device, reason: isHandedOff(device) ? null : device.reason } : device;
    return whyNot(free, { may, away, special: specials(device), ceiling: ceilings(device), needs: capability === "refresh" ? "monitor" : "control" });
  };
  const able = (capability: string) => reach(capability).filter((device) => hindrance(capability, device) === null);
  const why = (capability: string): string | null => {
    if (devices.length === 0) return t("tool.nothing_selected");
    const reached = reach(capability);
    if (reached.length === 0) return may ? t("tool.not_here") : t("tool.not_allowed");
    return able(capability).length > 0 ? null : hindrance(capability, reached[0]!);
  };
  const lights = able("locate");
  const lit = reach("locate");
  const allOn = lit.length > 0 && lit.every((device) => device.locate === true);
  const waiting = (capability: string) => {
    const ids = new Set(reach(capability).map((device) => device.id));
    return asked.some((item) => item.capability === capability && ids.has(item.device) && !item.error && !ended(item.command));
  };
  const run = (capability: string, args: Record<string, unknown>, targets: Device[]) => {
    for (const device of targets) void commands.ask(device.id, capability, args);
  };
  const whyNotPut = devices.length === 0 ? t("tool.nothing_selected") : whyNobodyPuts;
  const given = unique(devices.map(lineOf)).filter(isHandedOff);
  const back = given.filter((device) => hindrance("hands_off", device) === null);
  return (
    <>
      <ToolBar label={t("tools.title")} sheet={sheet}>
        <Tool id="locate" icon="locate" name={t("verb.locate")} reason={why("locate")} pressed={allOn} asked={waiting("locate")} onClick={() => run("locate", { on: !allOn }, lights.filter((device) => device.locate !== !allOn))} />
        <Tool id="hands_off" icon="hand" name={t("verb.hands_off")} reason={why("hands_off")} asked={waiting("hands_off")} onClick={() => setDialog("hands_off")} />
        {given.length > 0 && devices.length > 1 && <Tool id="take_back" icon="undo" name={t("hands_off.take_it_back")} reason={back.length > 0 ? null : hindrance("hands_off", given[0]!)} onClick={() => run("hands_off", { minutes: 0 }, back)} />}
        <Tool id="reboot" icon="reboot" name={t("verb.reboot")} danger reason={why("reboot")} asked={waiting("reboot")} onClick={() => setDialog("reboot")} />
        <Tool id="refresh" icon="refresh" name={t("verb.refresh")} reason={why("refresh")} asked={waiting("refresh")} onClick={() => run("refresh", {}, able("refresh"))} />
        <Tool id="put" icon="place" name={t("put.tool")} reason={whyNotPut} onClick={() => setDialog("put")} />
        {devices.length === 1 && <Tool id="send" name={t("place.send")} reason={devices[0]!.location ? null : t("send.no_place")} onClick={() => setDialog("send")} />}
      </ToolBar>
      {dialog === "send" && devices[0]?.location && <SendDialog place={devices[0].location.id} device={devices[0]} onClose={() => setDialog(null)} />}
      {dialog === "put" && <PutDialog devices={devices} onClose={() => setDialog(null)} />}
      {dialog === "reboot" && (
        <RebootDialog
          targets={able("reboot")}
          nested={children}
          stackOf={stackOf}
          onClose={() => setDialog(null)}
          onAct={() => {
            run("reboot", { confirm_assumed: true }, able("reboot"));
            setDialog(null);
          }}
        />
      )}
      {dialog === "hands_off" && (
        <HandsOffDialog
          targets={able("hands_off")}
          nested={children}
          onClose={() => setDialog(null)}
          onAct={(minutes) => {
            run("hands_off", { minutes }, able("hands_off"));
            setDialog(null);
          }}
        />
      )}
    </>
  );
}

export function Selected({ devices, nested: children, onClear }: { devices: Device[]; nested: ReadonlyMap<string, Device[]>; onClear: () => void }) {
  const boxes = devices.flatMap((device) => (device.kind === "stack" ? (children.get(device.id) ?? []).filter((each) => each.kind === "mixer") : []));
  const text = countText([...new Map([...devices, ...boxes].map((device) => [device.id, device])).values()]);
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
