import { useMemo } from "react";
import { useMay } from "@/api/session";
import type { Command, Device, Point } from "@/api/types";
import { commands, latestFor, useAsked, wantedOf, type Asked } from "@/live/commands";
import { outcomeOf } from "@/live/outcome";
import { At, Empty, GainControl, Line, Outcome, PointList, PointRow, ReadValue, Section, Source, Stack, SwitchControl, Tag, Text, Two, isStale, valueText } from "@/ui";
import { t } from "@/words";
import { groupPoints, type EndPoint } from "./points";

type Live = Point & { at: number };
const read = (point: Live, shown?: string) => ({ value: point.value, time: point.time, shown: shown ?? valueText(point.value, point.unit, point.step) });
const worse = (a: Live | null, b: Live | null) => [a, b].filter((each) => each !== null).sort((x, y) => Number(isStale(y.quality)) - Number(isStale(x.quality)) || (y.age_s ?? 0) - (x.age_s ?? 0))[0];

export function LivePoints({ device, points, open }: { device: Device; points: ReadonlyMap<string, Live>; open: Command[] }) {
  const { ends, others } = useMemo(() => groupPoints(points.values()), [points]);
  if (points.size === 0)
    return (
      <Section title={t("device.live")} id="live">
        <Empty title={t("points.none")}>{t("points.none_text")}</Empty>
      </Section>
    );
  return (
    <>
      {ends.length > 0 && (
        <Section title={t("device.live")} count={t("points.count", { n: points.size })} id="live">
          <PointList>
            {ends.map((end) => (
              <EndPointRow key={end.id} end={end} device={device} open={open} />
            ))}
          </PointList>
        </Section>
      )}
      {others.length > 0 && (
        <Section title={t("device.readings")} id="readings">
          <PointList>
            {others.map((point) => (
              <SinglePoint key={point.key} point={point as Live} device={device} open={open} />
            ))}
          </PointList>
        </Section>
      )}
    </>
  );
}

function usePoint(device: Device, open: Command[], point: Live | null): { asked: Asked | null; phase: ReturnType<typeof outcomeOf>["phase"] | null; ask: (value: boolean | number) => void } {
  const asked = useAsked();
  const latest = point ? latestFor(asked, open, device.id, "control", point) : null;
  return {
    asked: latest,
    phase: latest && point ? outcomeOf(latest, read(point)).phase : null,
    ask: (value) => point && void commands.ask(device.id, "control", { key: point.key, value }),
  };
}

function whyNot(device: Device, point: Point, may: boolean): string | undefined {
  if (!may) return t("tool.not_allowed");
  if (point.quality === "unsupported") return t("quality.unsupported");
  if (!point.writable) return t("points.read_only");
  if (device.agent?.state === "lost") return t("tool.server_lost");
  return undefined;
}

function Gain({ point, device, open }: { point: Live; device: Device; open: Command[] }) {
  const may = useMay("control");
  const { asked, phase, ask } = usePoint(device, open, point);
  return (
    <GainControl
      id={point.key}
      label={point.label || point.key}
      value={typeof point.value === "number" ? point.value : null}
      wanted={asked ? (wantedOf(asked) as number) : undefined}
      phase={phase}
      stale={isStale(point.quality)}
      disabled={whyNot(device, point, may)}
      minimum={point.minimum ?? -65}
      maximum={point.maximum ?? 20}
      step={point.step ?? 0.5}
      unit={point.unit}
      onAsk={ask}
    />
  );
}

function Mute({ point, device, open }: { point: Live; device: Device; open: Command[] }) {
  const may = useMay("control");
  const { asked, phase, ask } = usePoint(device, open, point);
  const mute = point.key.endsWith(".mute");
  return (
    <SwitchControl
      id={point.key}
      label={point.label || point.key}
      value={typeof point.value === "boolean" ? point.value : null}
      wanted={asked ? (wantedOf(asked) as boolean) : undefined}
      phase={phase}
      stale={isStale(point.quality)}
      disabled={whyNot(device, point, may)}
      on={t(mute ? "value.muted" : "value.on")}
      off={t(mute ? "value.open" : "value.off")}
      onAsk={ask}
    />
  );
}

/** How the last instruction for a point ended; a line only when there is something to say. */
function PointOutcome({ point, device, open }: { point: Live; device: Device; open: Command[] }) {
  const { asked } = usePoint(device, open, point);
  if (!asked) return null;
  const mute = point.key.endsWith(".mute");
  const shown = mute && typeof point.value === "boolean" ? t(point.value ? "value.muted" : "value.open") : undefined;
  const { phase, text, undoable } = outcomeOf(asked, read(point, shown));
  if (phase === "asked" && !text) return null;
  return <Outcome phase={phase} subject={point.label || point.key} text={text} id={point.key} onUndo={undoable ? () => commands.undo(asked) : undefined} onDismiss={phase === "asked" || phase === "reading" ? undefined : () => commands.dismiss(asked.key)} />;
}

function Marks({ point }: { point: Live }) {
  return (
    <>
      {point.assumed && <Tag title={t("assumed.text")}>{t("support.assumed")}</Tag>}
      {point.origin === "device" && point.changed && (
        <Text dim small>
          {t("points.at_device")} <At time={point.changed} />
        </Text>
      )}
      {point.origin && point.origin !== "device" && point.origin.person && point.changed && (
        <Text dim small>
          {point.origin.person} <At time={point.changed} />
        </Text>
      )}
    </>
  );
}

function EndPointRow({ end, device, open }: { end: EndPoint; device: Device; open: Command[] }) {
  const gain = end.gain as Live | null;
  const mute = end.mute as Live | null;
  const rest = end.rest as Live[];
  const source = worse(gain, mute) ?? rest[0];
  const marked = [gain, mute].filter((each) => each?.origin).sort((x, y) => ((x?.changed ?? "") < (y?.changed ?? "") ? 1 : -1))[0] ?? gain ?? mute ?? rest[0];
  return (
    <PointRow
      id={`endpoint-${end.id}`}
      name={
        <Two
          first={<Text strong title={end.id}>{end.name}</Text>}
          second={
            <>
              {gain && (
                <>
                  <ReadValue id={gain.key} value={gain.value} unit={gain.unit} step={gain.step} quality={gain.quality} text={gain.text} />{" "}
                </>
              )}
              {mute && <ReadValue id={mute.key} value={mute.value} quality={mute.quality} text={mute.text} shown={typeof mute.value === "boolean" ? t(mute.value ? "value.muted" : "value.open") : "–"} />}
              
            </>
          }
        />
      }
      main={gain ? gain.writable ? <Gain point={gain} device={device} open={open} /> : <ReadValue value={gain.value} unit={gain.unit} step={gain.step} quality={gain.quality} text={gain.text} /> : <Rest points={rest} />}
      side={mute?.writable ? <Mute point={mute} device={device} open={open} /> : gain && rest.length > 0 ? <Rest points={rest} /> : undefined}
      age={
        source && (
          <Stack gap={4}>
            <Line justify="end">
              <Source quality={source.quality} seconds={source.age_s} at={source.at} id={source.key} />
            </Line>
            {marked && <Marks point={marked} />}
          </Stack>
        )
      }
      outcomes={
        <>
          {gain && <PointOutcome point={gain} device={device} open={open} />}
          {mute && <PointOutcome point={mute} device={device} open={open} />}
          {gain && mute && rest.length > 0 && (
            <Text small>
              <Rest points={rest} />
            </Text>
          )}
        </>
      }
    />
  );
}

function Rest({ points }: { points: Live[] }) {
  return (
    <Line gap={12}>
      {points.map((point) => (
        <Text key={point.key}>
          <Text dim>{point.label || point.key.split(".").at(-1)}</Text> <ReadValue id={point.key} value={point.value} unit={point.unit} step={point.step} quality={point.quality} text={point.text} />
        </Text>
      ))}
    </Line>
  );
}

function SinglePoint({ point, device, open }: { point: Live; device: Device; open: Command[] }) {
  const control = point.writable && point.type === "bool" ? <Mute point={point} device={device} open={open} /> : point.writable && point.type === "number" ? <Gain point={point} device={device} open={open} /> : null;
  return (
    <PointRow
      id={`point-${point.key}`}
      name={<Text>{point.label || point.key}</Text>}
      main={control ?? <ReadValue id={point.key} value={point.value} unit={point.unit} step={point.step} quality={point.quality} text={point.text} />}
      side={<Marks point={point} />}
      age={<Source quality={point.quality} seconds={point.age_s} at={point.at} id={point.key} />}
      outcomes={control && <PointOutcome point={point} device={device} open={open} />}
    />
  );
}
