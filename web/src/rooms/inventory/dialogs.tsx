import { useState } from "react";
import type { Device } from "@/api/types";
import { isHandedOff } from "@/live/standing";
import { Choice, Confirm, Notice, RowLine, Rows, Stack, Text, Two } from "@/ui";
import { t } from "@/words";
import { DeviceStatus } from "./special";
import { nameOf, placeOf } from "./words";

const SHOWN = 8;

type Nested = ReadonlyMap<string, Device[]>;

function Targets({ devices, stackOf, more }: { devices: Device[]; stackOf?: (device: Device) => Device | undefined; more?: (device: Device) => string }) {
  return (
    <Rows id="dialog-targets">
      {devices.slice(0, SHOWN).map((device) => (
        <RowLine key={device.id} end={<DeviceStatus device={device} quiet />}>
          <Two first={<Text strong>{nameOf(device)}</Text>} second={[device.model, placeOf(device, stackOf?.(device)), more?.(device)].filter(Boolean).join(" · ")} />
        </RowLine>
      ))}
      {devices.length > SHOWN && <RowLine>{t("tools.and_more", { n: devices.length - SHOWN })}</RowLine>}
    </Rows>
  );
}

export function RebootDialog({ targets, nested, stackOf, onAct, onClose }: { targets: Device[]; nested: Nested; stackOf: (device: Device) => Device | undefined; onAct: () => void; onClose: () => void }) {
  const peripherals = targets.reduce((n, device) => n + Math.max(nested.get(device.id)?.length ?? 0, device.children), 0);
  const unproven = targets.some((device) => device.capabilities.reboot !== "evidenced");
  const title = targets.length === 1 ? t("reboot.title_one", { name: nameOf(targets[0]!) }) : t("reboot.title", { n: targets.length });
  return (
    <Confirm title={title} act={t("verb.reboot")} danger id="reboot" onAct={onAct} onClose={onClose}>
      <Targets devices={targets} stackOf={stackOf} />
      <Stack gap={4}>
        <Text>{t("reboot.interrupts")}</Text>
        {peripherals > 0 && <Text>{t("reboot.peripherals", { n: peripherals })}</Text>}
        <Text dim>{t("reboot.no_undo")}</Text>
      </Stack>
      {unproven && <Notice tone="degraded">{t("assumed.reboot")}</Notice>}
    </Confirm>
  );
}

const MINUTES = ["15", "60", "240"];

/** The line is the stack's: the dialog names the stack and whatever hangs on it. */
export function HandsOffDialog({ targets, nested, onAct, onClose }: { targets: Device[]; nested: Nested; onAct: (minutes: number) => void; onClose: () => void }) {
  const [minutes, setMinutes] = useState("60");
  const off = minutes === "0";
  const given = targets.some(isHandedOff);
  const title = targets.length === 1 ? t("hands_off.title_one", { name: nameOf(targets[0]!) }) : t("hands_off.title", { n: targets.length });
  const boxes = (stack: Device) => {
    const names = (nested.get(stack.id) ?? []).filter((each) => each.kind === "mixer").map(nameOf);
    return names.length > 1 ? t("hands_off.boxes", { n: names.length, names: names.join(", ") }) : "";
  };
  return (
    <Confirm title={title} act={off ? t("hands_off.take_back") : t("hands_off.act", { n: Number(minutes) })} id="hands-off" onAct={() => onAct(Number(minutes))} onClose={onClose}>
      <Targets devices={targets} more={boxes} />
      <Text>{targets.length === 1 ? t("hands_off.whole", { stack: nameOf(targets[0]!) }) : t("hands_off.whole_many")}</Text>
      <Text dim>{t("hands_off.text")}</Text>
      <Choice
        label={t("hands_off.minutes")}
        id="hands-off-minutes"
        value={minutes}
        onChange={setMinutes}
        options={[...MINUTES.map((value) => ({ value, label: t("hands_off.for", { n: Number(value) }) })), ...(given ? [{ value: "0", label: t("hands_off.take_back") }] : [])]}
      />
    </Confirm>
  );
}
