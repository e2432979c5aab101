import { useState } from "react";
import { api } from "@/api/client";
import type { Imported } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, Dialog, DialogFoot, DownloadButton, ErrorNote, FileButton, Form, Grow, Line, LongField, Notice, placeKind, SimpleTable, Stack, Td, Text } from "@/ui";
import { errorText, maybe, t, type Key } from "@/words";

type Step = NonNullable<Imported["steps"]>[number];
type Wrong = NonNullable<Imported["wrong"]>[number];

/** So many at once; the rest when it is asked for, so that 20,000 rows hold nothing up. */
const AT_ONCE = 1_000;
const TEMPLATE = [
  "path,kind,zone,street,contact,notes,serial,address",
  'London > HQ > 4 > 4.12,room,Europe/London,"1 High Street, London",ana@example.com,Key at the desk,,',
  "London > HQ > 4 > 4.14,room,,,,,,",
  "",
].join("\n");

/** What one row does, in words: "room, Europe/London", "Zone: – → Europe/London", or the device it puts there and where that hung. */
export function detail(step: Step): string {
  if (step.act === "put") {
    const name = step.device_name || step.device || "";
    return step.before.path && step.before.path !== step.path ? `${name} (${t("import.hung", { path: step.before.path })})` : name;
  }
  const value = (field: string, text: string | undefined) => (field === "kind" && text ? placeKind(text) : text || "–");
  const name = (field: string) => maybe(`field.${field === "address" ? "street" : field}`, field);
  // parent and name stand in the path
  return Object.entries(step.fields)
    .filter(([field]) => field !== "parent" && field !== "name")
    .map(([field, text]) => (step.act === "change" ? `${name(field)}: ${value(field, step.before[field])} → ${value(field, text)}` : field === "kind" ? placeKind(text) : `${name(field)}: ${text || "–"}`))
    .join(" · ");
}

function count(steps: readonly Step[]): string {
  const n = (act: string) => steps.filter((step) => step.act === act).length;
  return (["add", "change", "put"] as const)
    .filter((act) => n(act) > 0)
    .map((act) => t(`import.n_${act}` as Key, { n: n(act) }))
    .join(", ");
}

/** A table of rooms: pasted or from a file, looked at line by line, and carried out only when nothing in it is wrong. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  /** The text that the preview is of. */
  const [looked, setLooked] = useState<string | null>(null);
  const { busy, error, result, run } = useCall<Imported>();
  const ask = (content: string, dry: boolean) => run(() => api.post<Imported>("/locations/import", { text: content, dry_run: dry }));
  const preview = async (content: string) => {
    await ask(content, true);
    setLooked(content);
  };
  const fresh = looked === text && !error;
  const shown = fresh ? result : null;
  const steps = shown?.steps ?? [];
  const wrong = shown?.wrong ?? [];
  const ready = shown !== null && wrong.length === 0 && steps.length > 0;
  const done = shown?.done === true;
  return (
    <Dialog title={t("import.title")} onClose={onClose} id="dialog-import" broad>
      {done ? (
        <Stack gap={12}>
          <Notice id="import-done">{t("import.done", { what: count(steps) })}</Notice>
          <DialogFoot>
            <Act primary onClick={onClose} id="import-close">
              {t("action.close")}
            </Act>
          </DialogFoot>
        </Stack>
      ) : (
        <Form onSubmit={() => void (ready ? ask(text, false) : preview(text))}>
          <Text dim>{t("import.text")}</Text>
          <Line gap={8}>
            <FileButton
              label={t("import.choose")}
              accept=".csv,.tsv,.txt,text/csv"
              id="import-file"
              onText={(content, file) => {
                setText(content);
                setName(file);
                void preview(content);
              }}
            />
            <Grow>{name && <Text dim>{name}</Text>}</Grow>
            <DownloadButton text={TEMPLATE} name="locations.csv" label={t("import.template")} id="import-template" />
          </Line>
          <LongField
            label={t("import.paste")}
            hint={t("import.columns")}
            value={text}
            onChange={(next) => {
              setText(next);
              setName("");
            }}
            id="import-text"
          />
          {looked === text && <ErrorNote error={error} />}
          {shown && wrong.length > 0 && <WrongLines wrong={wrong} />}
          {shown && wrong.length === 0 && steps.length === 0 && <Notice id="import-nothing">{t("import.nothing", { n: shown.rows })}</Notice>}
          {shown && steps.length > 0 && <Steps steps={steps} rows={shown.rows} />}
          <DialogFoot>
            <Act onClick={onClose}>{t("action.cancel")}</Act>
            {!ready && (
              <Act primary={wrong.length === 0} submit busy={busy} disabled={!text.trim()} id="import-preview">
                {t("import.preview")}
              </Act>
            )}
            {(ready || wrong.length > 0) && (
              <Act primary submit={ready} busy={busy && ready} disabled={!ready} id="import-act">
                {t("import.act")}
              </Act>
            )}
          </DialogFoot>
        </Form>
      )}
    </Dialog>
  );
}

/** What is not listed yet. */
function Rest({ n, onAll }: { n: number; onAll: () => void }) {
  if (n <= 0) return null;
  return (
    <Line gap={8}>
      <Text dim>{t("tools.and_more", { n })}</Text>
      <Act small onClick={onAll} id="import-all">
        {t("import.show_all")}
      </Act>
    </Line>
  );
}

function WrongLines({ wrong }: { wrong: Wrong[] }) {
  const [most, setMost] = useState(AT_ONCE);
  return (
    <Stack gap={8}>
      <Notice tone="degraded" id="import-wrong">
        {t("import.wrong", { n: wrong.length })}
      </Notice>
      <SimpleTable tall label={t("import.wrong_lines")} head={[t("import.line"), t("import.column"), t("import.what")]} numbers={[0]}>
        {wrong.slice(0, most).map((each) => (
          <tr key={`${each.line}-${each.column}`} data-testid={`import-wrong-${each.line}`}>
            <Td number>{each.line}</Td>
            <Td>{each.column}</Td>
            <Td>{errorText({ code: each.code, message: each.text })}</Td>
          </tr>
        ))}
      </SimpleTable>
      <Rest n={wrong.length - most} onAll={() => setMost(Infinity)} />
    </Stack>
  );
}

function Steps({ steps, rows }: { steps: Step[]; rows: number }) {
  const [most, setMost] = useState(AT_ONCE);
  return (
    <Stack gap={8}>
      <Text strong id="import-count">
        {t("import.rows", { n: rows, what: count(steps) })}
      </Text>
      <SimpleTable tall label={t("import.changes")} head={[t("import.line"), t("import.change"), t("field.location"), t("import.what")]} numbers={[0]}>
        {steps.slice(0, most).map((step, index) => (
          <tr key={index} data-testid={`import-step-${index}`}>
            <Td number>{step.line}</Td>
            <Td>{t(`import.act_${step.act}` as Key)}</Td>
            <Td>{step.path}</Td>
            <Td>{detail(step)}</Td>
          </tr>
        ))}
      </SimpleTable>
      <Rest n={steps.length - most} onAll={() => setMost(Infinity)} />
    </Stack>
  );
}
