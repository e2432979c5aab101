import { useMemo, useState } from "react";
import { useMay } from "@/api/session";
import type { Command, Device, Point } from "@/api/types";
import { useCeilings, needsOf } from "@/live/ceilings";
import { commands, latestFor, useAsked, wantedOf, type Asked } from "@/live/commands";
import { useAway } from "@/live/hooks";
import { outcomeOf } from "@/live/outcome";
import type { Special } from "@/live/standing";
import { newerThan } from "@/live/undo";
import { At, Details, Empty, GainControl, Go, Grow, Line, Notice, Outcome, PointList, PointRow, ReadValue, RowLine, Rows, Section, Source, Stack, SwitchControl, Text, Two, isStale, useNow } from "@/ui";
import { t } from "@/words";
import { pointText } from "@/words/values";
import { Evidence } from "./evidence";
import { DeviceStatus } from "./special";
import { groupPoints, ownLabel, worthOf, type EndPoint, type Live } from "./points";
import { useUndo } from "./undo";
import { whyNot } from "./why";
import { nameOf, placeOf } from "./words";

/** What every point of one device shares. */
interface Context {
  device: Device;
  open: Command[];
  special: Special;
}

const worse = (a: Live | null, b: Live | null) => [a, b].filter((each) => each !== null).sort((x, y) => Number(isStale(y.quality)) - Number(isStale(x.quality)) || (y.age_s ?? 0) - (x.age_s ?? 0))[0];

export function LivePoints({ device, points, open, special, box, stack }: Context & { points: ReadonlyMap<string, Point & { at: number }>; box?: Device; stack?: Device }) {
  const may = useMay("control");
  const away = useAway() !== null;
  const { ends, others } = useMemo(
    () => groupPoints([...points.values()].map((point): Live => ({ ...point, quality: worthOf(point.quality, device) }))),
    // of the device only its reason and its server matter here
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [points, device.reason?.code, device.agent?.state],
  );
  if (points.size === 0) return <Without device={device} box={box} stack={stack} />;
  const off = [...points.values()].some((point) => point.writable) ? whyNot(device, { may, away, special }) : null;
  const context = { device, open, special };
  return (
    <>
      {ends.length > 0 && (
        <Section title={t("device.live")} count={t("points.count", { n: points.size })} id="live">
          {off && <Notice id="points-off">{t("points.off", { why: off })}</Notice>}
          <Unmarked />
          <PointList>
            {ends.map((end) => (
              <EndPointRow key={end.id} end={end} {...context} />
            ))}
          </PointList>
        </Section>
      )}
      {others.length > 0 && (
        <Section title={t("device.readings")} id="readings">
          <Unmarked />
          <PointList>
            {others.map((point) => (
              <SinglePoint key={point.key} point={point} {...context} />
            ))}
          </PointList>
        </Section>
      )}
    </>
  );
}

/** Hundreds of values carry a word only where they need one; what its absence means is said once. */
function Unmarked() {
  return (
    <Text dim small wrap>
      {t("points.unmarked")}
    </Text>
  );
}

/** A peripheral says nothing of itself: it is there or not, and its box knows. */
function Without({ device, box, stack }: { device: Device; box?: Device; stack?: Device }) {
  const peripheral = device.parent !== null && device.parent !== device.stack;
  return (
    <Section title={t("device.live")} id="live">
      {peripheral ? (
        <>
          <Text id="peripheral-note">{t("points.peripheral")}</Text>
          <Rows>
            <RowLine end={box && <DeviceStatus device={box} quiet />}>
              <Grow>
                <Two
                  first={
                    <Go to={`/devices/${device.parent}`} id="peripheral-box">
                      <Text strong>{box ? nameOf(box) : t("device.its_box")}</Text>
                    </Go>
                  }
                  second={box ? [box.model, placeOf(box, stack)].filter(Boolean).join(" · ") : ""}
                />
              </Grow>
            </RowLine>
          </Rows>
        </>
      ) : (
        <Empty title={t("points.none")}>{t("points.none_text")}</Empty>
      )}
    </Section>
  );
}

function usePoint({ device, open, special }: Context, point: Live): { asked: Asked | null; phase: ReturnType<typeof outcomeOf>["phase"] | null; ask: (value: boolean | number) => void; off: string | undefined } {
  const may = useMay("control");
  const away = useAway() !== null;
  const ceiling = useCeilings()(device);
  const asked = useAsked();
  const latest = latestFor(asked, open, device.id, "control", point);
  const never = point.quality === "unsupported" ? t("quality.unsupported") : point.writable ? null : t("points.read_only");
  return {
    asked: latest,
    phase: latest ? outcomeOf(latest, { value: point.value, time: point.time }).phase : null,
    ask: (value) => void commands.ask(device.id, "control", { key: point.key, value }),
    off: never ?? whyNot(device, { may, away, special, ceiling, needs: leastOf(point) }) ?? undefined,
  };
}

/** A switch has one thing it can be asked for; of a number the least that may be asked counts, lowering it. */
const leastOf = (point: Live) => needsOf(point.key, typeof point.value === "boolean" ? !point.value : (point.minimum ?? point.value), point.value);

type PointProps = Context & { point: Live };

function Gain({ point, ...context }: PointProps) {
  const { asked, phase, ask, off } = usePoint(context, point);
  return (
    <GainControl
      id={point.key}
      label={point.label || point.key}
      value={typeof point.value === "number" ? point.value : null}
      wanted={asked ? (wantedOf(asked) as number) : undefined}
      phase={phase}
      stale={isStale(point.quality)}
      disabled={off}
      minimum={point.minimum ?? -65}
      maximum={point.maximum ?? 20}
      step={point.step ?? 0.5}
      unit={point.unit}
      onAsk={ask}
    />
  );
}

function Mute({ point, ...context }: PointProps) {
  const { asked, phase, ask, off } = usePoint(context, point);
  return (
    <SwitchControl
      id={point.key}
      label={point.label || point.key}
      value={typeof point.value === "boolean" ? point.value : null}
      wanted={asked ? (wantedOf(asked) as boolean) : undefined}
      phase={phase}
      stale={isStale(point.quality)}
      disabled={off}
      on={pointText(point, true)}
      off={pointText(point, false)}
      onAsk={ask}
    />
  );
}

/** How the last instruction for a point ended; a line only when there is something to say. */
function PointOutcome({ point, ...context }: PointProps) {
  const { asked } = usePoint(context, point);
  return asked ? <Told point={point} asked={asked} /> : null;
}

function Told({ point, asked }: { point: Live; asked: Asked }) {
  useNow(); // a reading that stays away changes the word
  const { undo, dialog } = useUndo();
  const shown = pointText(point, point.value);
  const { phase, text, undoable, retry } = outcomeOf(asked, { value: point.value, time: point.time, shown, newer: newerThan(asked, point) });
  if (phase === "asked" && !text) return null;
  return (
    <>
      <Outcome
        phase={phase}
        subject={point.label || point.key}
        text={text}
        id={point.key}
        onRetry={retry}
        onUndo={undoable ? () => undo(asked, point) : undefined}
        onDismiss={phase === "asked" || phase === "reading" ? undefined : () => commands.dismiss(asked.key)}
      />
      {dialog}
    </>
  );
}

/** `assumed`: of any value that stands in the row. */
function Marks({ point, assumed = point.assumed }: { point: Live; assumed?: boolean }) {
  return (
    <>
      {assumed && <Evidence assumed id={`worth-${point.key}`} />}
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

function EndPointRow({ end, ...context }: Context & { end: EndPoint }) {
  const { gain, mute, rest } = end;
  const source = worse(gain, mute) ?? rest[0];
  const marked = [gain, mute].filter((each) => each?.origin).sort((x, y) => ((x?.changed ?? "") < (y?.changed ?? "") ? 1 : -1))[0] ?? gain ?? mute ?? rest[0];
  return (
    <PointRow
      id={`endpoint-${end.id}`}
      name={
        <Two
          first={<Text strong wrap>{end.name}</Text>}
          second={
            <>
              {gain && (
                <>
                  <ReadValue id={gain.key} value={gain.value} unit={gain.unit} step={gain.step} quality={gain.quality} text={gain.text} />{" "}
                </>
              )}
              {mute && <ReadValue id={mute.key} value={mute.value} quality={mute.quality} text={mute.text} shown={pointText(mute, mute.value)} />}
            </>
          }
        />
      }
      main={gain ? gain.writable ? <Gain point={gain} {...context} /> : <ReadValue value={gain.value} unit={gain.unit} step={gain.step} quality={gain.quality} text={gain.text} /> : undefined}
      side={mute?.writable ? <Mute point={mute} {...context} /> : undefined}
      age={
        source && (
          <Stack gap={4}>
            <Line justify="end">
              <Source quality={source.quality} seconds={source.age_s} at={source.at} id={source.key} />
            </Line>
            {marked && <Marks point={marked} assumed={[gain, mute, marked].some((each) => each?.assumed)} />}
          </Stack>
        )
      }
      outcomes={
        <>
          {gain && <PointOutcome point={gain} {...context} />}
          {mute && <PointOutcome point={mute} {...context} />}
          {rest.length > 0 && <Rest end={end} {...context} />}
        </>
      }
    />
  );
}

/** Equalizers, limits, phantom power: a box has hundreds, and who came for a level must not have to scroll past them. */
function Rest({ end, ...context }: Context & { end: EndPoint }) {
  const [open, setOpen] = useState(false);
  return (
    <Details title={t("points.more", { n: end.rest.length })} id={`more-${end.id}`} open={open} onToggle={setOpen}>
      {open && (
        <PointList>
          {end.rest.map((point) => (
            <SinglePoint key={point.key} point={point} name={ownLabel(point, end)} {...context} />
          ))}
        </PointList>
      )}
    </Details>
  );
}

function SinglePoint({ point, name, ...context }: PointProps & { name?: string }) {
  const control = point.writable && point.type === "bool" ? <Mute point={point} {...context} /> : point.writable && point.type === "number" ? <Gain point={point} {...context} /> : null;
  return (
    <PointRow
      id={`point-${point.key}`}
      name={<Text wrap>{name ?? (point.label || point.key)}</Text>}
      main={control ?? <ReadValue id={point.key} value={point.value} unit={point.unit} step={point.step} quality={point.quality} text={point.text} />}
      side={<Marks point={point} />}
      age={<Source quality={point.quality} seconds={point.age_s} at={point.at} id={point.key} />}
      outcomes={control && <PointOutcome point={point} {...context} />}
    />
  );
}
