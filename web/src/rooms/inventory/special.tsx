import type { Device } from "@/api/types";
import { commands, latestFor, useAsked } from "@/live/commands";
import { useWhyNot } from "@/live/may";
import { outcomeOf } from "@/live/outcome";
import { isHandedOff, useSpecial, type HandOff, type Restart } from "@/live/standing";
import { Act, At, AtPlace, Lasting, LinkButton, Notice, Line, Stack, StatusMark, Text, type Spell } from "@/ui";
import { t } from "@/words";

export function spellOf(device: Device, restart: Restart | null): Spell | null {
  return isHandedOff(device) ? "handed_off" : restart ? "restarting" : null;
}

/** The status word of a device and since or until when, wherever a device stands in a line. */
export function DeviceStatus({ device, id, quiet }: { device: Device; id?: string; quiet?: boolean }) {
  const { handOff, restart } = useSpecial(device);
  return (
    <StatusMark status={device.status} id={id} spell={spellOf(device, restart)} stale={device.agent?.state === "awaited"}>
      {handOff ? <Until handOff={handOff} /> : restart ? <Lasting since={restart.since} /> : device.status === "unknown" ? <Since device={device} /> : quiet && device.status === "online" ? null : <Lasting since={device.since} />}
    </StatusMark>
  );
}

function Since({ device }: { device: Device }) {
  return device.since ? (
    <Text dim small>
      <At time={device.since} />
    </Text>
  ) : null;
}

function Until({ handOff }: { handOff: HandOff }) {
  if (handOff.until === null) return null;
  return (
    <Text dim>
      {t("status.until")} <At time={handOff.until} />
    </Text>
  );
}

/** What stands beside a device's name in a list when its line is handed off or it restarts; "" when nothing does. */
export function useSpecialWords(device: Device): string {
  const { handOff, restart } = useSpecial(device);
  if (handOff) return handOff.person ? t("hands_off.by", { person: handOff.person }) : t("hands_off.given");
  return restart ? (restart.person ? t("restart.by", { person: restart.person }) : t("restart.asked")) : "";
}

/** Asks for the line back at once. The line belongs to the stack, so the stack is asked. */
export function TakeBack({ device, small }: { device: Device; small?: boolean }) {
  const why = useWhyNot("control");
  const asked = useAsked();
  const stack = device.stack ?? device.id;
  const latest = latestFor(asked, [], stack, "hands_off");
  const waits = latest !== null && latest.arguments.minutes === 0 && outcomeOf(latest).phase === "asked";
  if (!isHandedOff(device)) return null;
  if (waits)
    return (
      <Text dim small>
        {t("control.asked")}
      </Text>
    );
  const act = () => void commands.ask(stack, "hands_off", { minutes: 0 });
  if (small)
    return (
      <LinkButton onClick={act} id={`take-back-${device.id}`} reason={why} roomy>
        {t("hands_off.take_it_back")}
      </LinkButton>
    );
  return (
    <Act small onClick={act} id="take-back" reason={why}>
      {t("hands_off.take_it_back")}
    </Act>
  );
}

/** On the device's own page: until when, by whom, what it means, and the way back. */
export function HandsOffNote({ device, handOff }: { device: Device; handOff: HandOff }) {
  return (
    <Notice id="hands-off-note" icon="hand">
      <Line justify="between" gap={12}>
        <Stack gap={4}>
          <Text strong>
            {handOff.until === null ? (
              t("hands_off.open")
            ) : (
              <>
                {t("hands_off.until")} <AtPlace time={handOff.until} zone={device.site.zone} place={device.site.name} />
              </>
            )}
            {handOff.person && ` ${t("hands_off.by", { person: handOff.person })}`}
          </Text>
          <Text dim>{t("hands_off.meaning")}</Text>
        </Stack>
        <TakeBack device={device} />
      </Line>
    </Notice>
  );
}

export function RestartNote({ restart }: { restart: Restart }) {
  return (
    <Notice tone="degraded" id="device-restart">
      <Stack gap={4}>
        <Text strong>
          {t("restart.since")} <At time={restart.since} /> (<Lasting since={restart.since} />){restart.person && `, ${t("restart.by", { person: restart.person })}`}
        </Text>
        <Text dim>{t("restart.meaning")}</Text>
      </Stack>
    </Notice>
  );
}

/** The hub came back before the server did: what is shown is of before. */
export function AwaitedNote({ device }: { device: Device }) {
  return (
    <Notice id="device-awaited">
      <Stack gap={4}>
        <Text strong>{t("awaited.title", { name: device.agent?.name ?? "" })}</Text>
        <Text dim>{t("awaited.text")}</Text>
      </Stack>
    </Notice>
  );
}
