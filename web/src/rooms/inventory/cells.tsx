import { useMay } from "@/api/session";
import type { Device } from "@/api/types";
import { useCeilings } from "@/live/ceilings";
import { commands, latestFor, useAsked } from "@/live/commands";
import { useAway } from "@/live/hooks";
import { outcomeOf } from "@/live/outcome";
import { isHandedOff, useSpecial, useSpecials } from "@/live/standing";
import { Bell, Go, Grow, IconButton, Line, Stack, Text, Two } from "@/ui";
import { maybe, t } from "@/words";
import { DeviceStatus, spellOf, TakeBack, useSpecialWords } from "./special";
import { whyNot } from "./why";
import { causeOf, kindName, nameOf, placeOf, shortPath } from "./words";

export interface RowProps {
  device: Device;
  /** The stack it belongs to, where it stands alone and the stack is not above it. */
  stack?: Device;
}

/** What is said below the name: where it is, and what is the matter. */
function useSecond(device: Device, stack: Device | undefined, located = false): string {
  const words = useSpecialWords(device);
  const cause = isHandedOff(device) || device.status === "online" ? "" : causeOf(device);
  // who gave the line away or asked the restart goes first, since the line may be cut off
  return [words, located && device.location ? shortPath(device.location.path) : "", placeOf(device, stack), words ? "" : cause].filter(Boolean).join(" · ");
}

export function NameCell({ device, stack, alone }: RowProps & { alone: boolean }) {
  const second = useSecond(device, stack);
  return (
    <Line gap={8} keep>
      <Grow>
        <Two
          first={
            <Go to={`/devices/${device.id}`} id={`open-${device.id}`}>
              <Text strong>{nameOf(device)}</Text> {device.kind !== "stack" && <Text dim small>{kindName(device.kind)}</Text>}
            </Go>
          }
          second={second}
        />
      </Grow>
      {alone && <TakeBack device={device} small />}
    </Line>
  );
}

export function PhoneRow({ device, stack, model, alone }: RowProps & { model: string; alone: boolean }) {
  const second = useSecond(device, stack, true);
  return (
    <Grow>
      <Two
        first={
          <Go to={`/devices/${device.id}`} id={`open-${device.id}`}>
            <Text strong>{nameOf(device)}</Text> {model && <Text dim>{model}</Text>}
          </Go>
        }
        second={
          <>
            <Line gap={8}>
              <DeviceStatus device={device} />
              {alone && <TakeBack device={device} small />}
            </Line>
            {second}
          </>
        }
      />
    </Grow>
  );
}

/** ○ off, ● on, dashed while asked; a stack's light is that of its boxes. */
export function LocateCell({ device, boxes }: { device: Device; boxes: readonly Device[] }) {
  const asked = useAsked();
  const may = useMay("control");
  const away = useAway() !== null;
  const special = useSpecials()(device);
  const ceiling = useCeilings()(device);
  const can = (each: Device) => each.capabilities.locate && each.capabilities.locate !== "unsupported";
  const targets = can(device) ? [device] : device.kind === "stack" ? boxes.filter(can) : [];
  if (targets.length === 0 || !may) return <Text dim>–</Text>;
  const on = targets.some((each) => each.locate === true);
  const own = targets.map((each) => latestFor(asked, [], each.id, "locate")).find((item) => item && ["asked", "reading"].includes(outcomeOf(item, { value: device.locate ?? on, time: null }).phase));
  const label = own ? t("locate.asked") : t(on ? "locate.turn_off" : "locate.turn_on");
  return <IconButton tiny icon="locate" pressed={on} id={`locate-${device.id}`} label={label} reason={whyNot(device, { may, away, special, ceiling })} onClick={() => targets.forEach((each) => void commands.ask(each.id, "locate", { on: !on }))} />;
}

export function BellCell({ device }: { device: Device }) {
  const { restart } = useSpecial(device);
  // a line that was given away and a restart that was asked are nobody's alarm
  if (device.status === "online" || spellOf(device, restart)) return null;
  return (
    <Bell id={device.id} tone={device.status === "unknown" ? "grey" : "red"} label={t("bell.label", { name: nameOf(device) })}>
      <Stack gap={8}>
        <DeviceStatus device={device} />
        <Text>{causeOf(device) || t("bell.no_reason")}</Text>
        <Text dim>{maybe(`remedy.${device.reason?.code ?? ""}`, t("remedy.default"))}</Text>
        <Go accent to={`/devices/${device.id}`}>
          {t("action.open")}
        </Go>
      </Stack>
    </Bell>
  );
}
