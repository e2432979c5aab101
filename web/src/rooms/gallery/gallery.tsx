import { useState } from "react";
import {
  Act, Age, AgentMark, Ago, At, Banner, Bell, BareTick, Choice, Code, Confirm, CopyButton, Details, Dialog, Empty, ErrorNote, Facts, Figure, Figures, FilterChip, Filters, Fingerprint, GainControl, Go, Grow, Icon, IconButton, Kbd, Lasting, Line, Loading, Middle, Notice, Outcome, Page, Photo, PhotoLinks, Photos, PlaceTree, Reach, ReadValue, RowLine, Rows, RowMenu, SearchChoice, Secret, SecretField, Section, Sentence, Shape, Source, Stack, StatusCounts, StatusMark, Steps, Strip, SwitchControl, Swatch, Table, Tag, Text, TextField, Tool, ToolBar, Two, Underway, type Column, type ControlPhase, type Entry, type Worth,
} from "@/ui";
import type { AgentState, Place, Status } from "@/api/types";

// The page that shows every piece in every state. Its own words are for people who build Soundpost, so they are not in the catalogues.

const STATUSES: Status[] = ["online", "degraded", "offline", "unknown"];
const AGENTS: AgentState[] = ["connected", "awaited", "lost", "never", "refused", "held_twice"];
const QUALITIES: Worth[] = ["good", "old", "silent", "device_lost", "agent_lost", "unsupported", "error", "awaited", "handed_off"];
const PHASES: ControlPhase[] = [null, "asked", "reading", "done", "other", "failed", "expired", "unsupported", "refused", "uncertain", "unread", "not_sent"];
const TOKENS = ["bg", "surface", "sunken", "line", "line-strong", "edge", "text", "dim", "accent", "accent-soft", "online", "degraded", "offline", "unknown"];
const ITEMS: Record<string, { id: string; name: string; status: Status }> = Object.fromEntries(
  Array.from({ length: 400 }, (_, i) => [`r${i}`, { id: `r${i}`, name: `Name_${i + 1}`, status: STATUSES[i % 4]! }]),
);
const ENTRIES: Entry[] = [{ key: "g", heading: <Text strong>Group</Text> }, ...Object.keys(ITEMS).map((id) => ({ key: id, id }))];
const COLUMNS: Column<(typeof ITEMS)[string]>[] = [
  { id: "status", name: "Status", width: "140px", sort: true, cell: (item) => <StatusMark status={item.status} /> },
  { id: "name", name: "Name", width: "1fr", sort: true, cell: (item) => <Go to="/ui">{item.name}</Go> },
];
const place = (id: string, parent: string | null, kind: Place["kind"], devices: Partial<Record<Status, number>>, worst: Status | null): Place & { at: number } => ({
  id, parent, name: id, path: id, kind, zone: "Europe/London", address: "", contact: kind === "city" ? "Ana +44 20 7946 0100" : "", own: ["contact"], notes: "", children: 0, rooms: kind === "room" ? 1 : 3, devices: { ...devices }, worst, photos: [], way: false, created: null, at: 0,
});
const PLACES = Object.fromEntries(
  [place("London", null, "city", { online: 3, offline: 1 }, "offline"), place("HQ", "London", "building", { online: 2, offline: 1 }, "offline"), place("4.12", "HQ", "room", { offline: 1 }, "offline"), place("Annex", "London", "building", { degraded: 1, unknown: 2 }, "degraded"), place("Leeds", null, "city", {}, null)].map((each) => [each.id, each]),
);
const PLACE_LINES = [
  { id: "London", depth: 0, opens: true, open: true },
  { id: "HQ", depth: 1, opens: true, open: true },
  { id: "4.12", depth: 2, opens: false, open: false },
  { id: "Annex", depth: 1, opens: true, open: false },
  { id: "Leeds", depth: 0, opens: false, open: false },
];
const picture = (fill: string) => `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="320" height="240" fill="${fill}"/></svg>`)}`;
const PHOTOS = ["#8a5", "#58a", "#a85"].map((fill, n) => ({ id: `p${n}`, caption: ["Door, from the lift", "Rack A", ""][n]!, width: 320, height: 240, small: picture(fill), large: picture(fill) }));
const MANY = Array.from({ length: 300 }, (_, i) => ({ value: `p${i}`, label: `London > HQ > ${Math.floor(i / 20)} > ${Math.floor(i / 20)}.${(i % 20) + 10}` }));
const T0 = Date.now();
const ago = (minutes: number) => new Date(T0 - minutes * 60_000).toISOString();

export function Gallery() {
  const [dialog, setDialog] = useState<"dialog" | "confirm" | null>(null);
  const [chip, setChip] = useState<string[]>(["online"]);
  const [text, setText] = useState("London-HQ");
  const [many, setMany] = useState("p7");
  const [ticked, setTicked] = useState(true);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set(["r1"]));
  return (
    <Page title="Pieces" aside={<Text dim>every piece in every state</Text>}>
      <Section title="Tokens">
        <Line gap={16}>
          {TOKENS.map((token) => (
            <Line key={token} gap={4}>
              <Swatch token={token} />
              <Text small dim>
                {token}
              </Text>
            </Line>
          ))}
        </Line>
      </Section>
      <Section title="Status">
        <Line gap={24}>
          {STATUSES.map((status) => (
            <StatusMark key={status} status={status}>
              <Lasting since={ago(14)} />
            </StatusMark>
          ))}
        </Line>
        <Line gap={24}>
          <StatusMark status="online" spell="handed_off">
            <Text dim>until 15:02</Text>
          </StatusMark>
          <StatusMark status="offline" spell="restarting">
            <Lasting since={ago(1)} />
          </StatusMark>
          <StatusMark status="online" stale />
          <StatusMark status="offline" stale />
        </Line>
        <Line gap={24}>
          {AGENTS.map((state) => (
            <AgentMark key={state} state={state} />
          ))}
        </Line>
        <StatusCounts counts={{ online: 376, degraded: 3, offline: 2, unknown: 31 }} />
        <StatusCounts past counts={{ online: 376, offline: 2 }} />
        <Line>
          <Bell tone="red" label="Reasons" count={1}>
            Connection refused
          </Bell>
          <Bell label="To do" count={3}>
            Default password
          </Bell>
          <Shape status="none" />
        </Line>
      </Section>
      <Section title="Value and age">
        <Line gap={24}>
          {QUALITIES.map((quality) => (
            <Stack key={quality} gap={4}>
              <ReadValue value={-3} unit="dB" step={0.5} quality={quality} text={quality === "error" ? "Command not found" : null} />
              <Source quality={quality} seconds={4} at={T0} />
            </Stack>
          ))}
        </Line>
        <Line gap={24}>
          <Age seconds={2} at={T0} />
          <Age seconds={200} at={T0} stale />
          <Age seconds={null} />
          <Ago time={ago(3)} />
          <At time={ago(5)} />
          <At time={ago(60 * 40)} />
          <At time={ago(60 * 24 * 30)} />
        </Line>
      </Section>
      <Section title="Control">
        {PHASES.map((phase) => (
          <Line key={phase ?? "idle"} gap={24}>
            <Tag>{phase ?? "idle"}</Tag>
            <GainControl id={`g-${phase}`} label={`Gain ${phase}`} value={-3} wanted={-6} phase={phase} minimum={-65} maximum={20} step={0.5} unit="dB" onAsk={() => undefined} />
            <SwitchControl id={`m-${phase}`} label={`Mute ${phase}`} value={false} wanted phase={phase} on="Muted" off="Open" onAsk={() => undefined} />
            <Outcome phase={phase} subject="Mic 101" text={phase === "refused" ? "Another device answers here." : ""} onRetry={phase === "not_sent" ? () => undefined : undefined} onUndo={phase === "done" ? () => undefined : undefined} onDismiss={phase && phase !== "asked" ? () => undefined : undefined} />
          </Line>
        ))}
        <Line gap={24}>
          <Tag>stale</Tag>
          <GainControl id="g-stale" label="Gain stale" value={-3} phase={null} stale minimum={-65} maximum={20} step={0.5} unit="dB" onAsk={() => undefined} />
          <SwitchControl id="m-stale" label="Mute stale" value phase={null} stale on="Muted" off="Open" onAsk={() => undefined} />
          <SwitchControl id="m-none" label="Mute never read" value={null} phase={null} on="Muted" off="Open" onAsk={() => undefined} />
          <SwitchControl id="m-off" label="Mute read only" value={false} phase={null} disabled="Read only" on="Muted" off="Open" onAsk={() => undefined} />
        </Line>
      </Section>
      <Section title="Tools and filters">
        <ToolBar label="Tools">
          <Tool id="x-locate" icon="locate" name="Locate" onClick={() => undefined} />
          <Tool id="x-pressed" icon="locate" name="Locate" pressed onClick={() => undefined} />
          <Tool id="x-asked" icon="hand" name="Hands off" asked onClick={() => undefined} />
          <Tool id="x-reboot" icon="reboot" name="Reboot" danger onClick={() => undefined} />
          <Tool id="x-none" icon="reboot" name="Reboot" reason="Tick a device first." onClick={() => undefined} />
        </ToolBar>
        <Filters>
          <FilterChip id="x-chip" name="Status" values={chip} onChange={setChip} options={STATUSES.map((s) => ({ value: s, label: s, text: s }))} />
          <FilterChip id="x-chip2" name="Model" values={[]} onChange={() => undefined} options={[]} />
          <BareTick label="Tick" checked={ticked} onChange={setTicked} />
          <BareTick label="Some" checked={false} some onChange={() => undefined} />
          <IconButton icon="plus" label="Add" />
          <IconButton icon="locate" label="Locate" reason="The line is handed off." />
          <CopyButton text="copied" />
          <RowMenu id="x-menu" label="Menu" entries={[{ label: "Rename", onClick: () => undefined }, { label: "Delete", danger: true, onClick: () => undefined }]} />
          <Middle text="Mic/line input 12 gain" />
          <Kbd>g d</Kbd>
          <Icon name="warning" />
        </Filters>
      </Section>
      <Section title="Fields and buttons">
        <Stack narrow gap={12}>
          <TextField label="Name" hint="Name it after the place" value={text} onChange={setText} id="x-name" />
          <TextField label="Central hub URL" value="htp:/" error="This is not an address." onChange={() => undefined} id="x-bad" />
          <SecretField label="Password" value="secret" onChange={() => undefined} id="x-secret" />
          <Choice label="Site" value="a" onChange={() => undefined} options={[{ value: "a", label: "New site" }]} id="x-site" />
          <SearchChoice label="Location" value={many} onChange={setMany} options={MANY} empty="Type to find a place" id="x-many" />
          <Text><Reach text="Ana, +44 20 7946 0100 or ana@example.com" /></Text>
          <Line>
            <Act primary>Save</Act>
            <Act>Cancel</Act>
            <Act danger>Delete</Act>
            <Act primary danger>
              Reboot
            </Act>
            <Act busy>Busy</Act>
            <Act disabled>Off</Act>
            <Act onClick={() => setDialog("dialog")} id="x-dialog">
              Dialog
            </Act>
            <Act onClick={() => setDialog("confirm")} id="x-confirm">
              Confirm
            </Act>
          </Line>
        </Stack>
      </Section>
      <Section title="Said to people">
        <Sentence>All 300 rooms are well. Last change 11:42.</Sentence>
        <Banner tone="offline">
          <Shape status="offline" />
          <Grow>Connection to the hub lost, showing values from 14:02.</Grow>
        </Banner>
        <Notice>A notice.</Notice>
        <Notice tone="accent">A notice with the accent.</Notice>
        <Notice tone="degraded">Something is not right.</Notice>
        <Notice tone="offline">Something is wrong.</Notice>
        <ErrorNote error={{ code: "hub_unreachable", message: "" }} onRetry={() => undefined} />
        <Empty title="No devices yet." action={<Act>Add subnet</Act>}>
          Frankfurt scans 10.30.0.0/24.
        </Empty>
        <Loading rows={3} />
      </Section>
      <Section title="Figures, facts, rows">
        <Figures>
          <Figure name="Mixers" value={412}>
            <StatusCounts counts={{ online: 376, offline: 2 }} />
          </Figure>
          <Figure name="Peripherals" value={655} />
        </Figures>
        <Facts lines={[{ name: "Serial", value: <Text mono>4471-2338-40</Text>, note: <Tag>assumed</Tag> }, { name: "Model", value: "128VD" }]} />
        <Rows>
          <RowLine end={<Ago time={ago(2)} />}>
            <Two first="First line" second="second line" />
          </RowLine>
        </Rows>
        <Steps>
          <li>Install.</li>
          <li>Connect.</li>
        </Steps>
        <Strip label="Seven days" now={T0} periods={[{ status: "online", since: ago(9000), until: ago(4000), reason: null }, { status: "offline", since: ago(4000), until: ago(3600), reason: null }, { status: "degraded", since: ago(3600), until: ago(3000), reason: null }, { status: "online", since: ago(3000), until: null, reason: null }]} />
        <Fingerprint text={Array.from({ length: 32 }, (_, i) => (i * 7 + 16).toString(16).toUpperCase()).join(":")} />
          <Secret text="hk3fd-9dkw2-pq7zz-mm4ra" id="x-result" label="Password" />
        <Details title="Raw facts" open>
          <Code label="Raw">{'{ "id": "dev_…" }'}</Code>
        </Details>
      </Section>
      <Section title="Places">
        <PlaceTree label="Places" lines={PLACE_LINES} useItem={(id) => PLACES[id]} onToggle={() => undefined} onOpen={() => undefined} own="" menu={(each) => <RowMenu id={`x-menu-${each.id}`} label={`Actions for ${each.name}`} entries={[{ label: "Rename", onClick: () => undefined }]} />} />
      </Section>
      <Section title="Photos">
        <Stack gap={12}>
          <Photos photos={PHOTOS} of="4.12" onOpen={() => undefined} id="x-photos" />
          <PhotoLinks photos={PHOTOS.slice(0, 1)} of="4.12" id="x-photo-links" />
          <Photo photo={PHOTOS[0]!} of="4.12" onNext={() => undefined} />
          <Underway label="Sending door.jpg" part={0.4} id="x-underway" />
        </Stack>
      </Section>
      <Section title="Table">
        <Table label="Table" entries={ENTRIES} own="" columns={COLUMNS} useItem={(id) => ITEMS[id]} name={(item) => item.name} phone={(item) => <Two first={item.name} second={item.status} />} onOpen={() => undefined} sort={{ id: "name", down: false }} onSort={() => undefined} selected={selected} onSelect={setSelected} />
      </Section>
      {dialog === "dialog" && (
        <Dialog title="Dialog" onClose={() => setDialog(null)}>
          <Text>Text of a dialog.</Text>
        </Dialog>
      )}
      {dialog === "confirm" && (
        <Confirm title="Reboot one device?" act="Reboot" danger id="x" onAct={() => setDialog(null)} onClose={() => setDialog(null)}>
          <Text>Calls on it end.</Text>
        </Confirm>
      )}
    </Page>
  );
}
