import { useState } from "react";
import { api } from "@/api/client";
import { useMay } from "@/api/session";
import type { MadeKey } from "@/api/types";
import { useCall } from "@/live/call";
import { usePlaceChoices, usePlaces } from "@/live/places";
import { Act, Choice, Code, CopyAct, CopyButton, DateField, Dialog, DialogFoot, ErrorNote, Form, Grow, Line, ManyChoice, Notice, Radios, Secret, Stack, Text, TextField } from "@/ui";
import { format, locale, t } from "@/words";
import { dayOf, endOfDay } from "@/words/days";
import { SCOPES, scopeName } from "./key-words";

const DAYS = [30, 90, 365];
const DAY_MS = 86_400_000;
const NEVER = "never";
const ON_DATE = "date";

export function AddKey({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<MadeKey | null>(null);
  return made ? <Made made={made} onClose={onClose} /> : <Ask onMade={setMade} onClose={onClose} />;
}

/** The last day of a choice, as a day of the reader's calendar; "" for never. */
export function lastDay(choice: string, day: string, now: number): string {
  if (choice === NEVER) return "";
  return choice === ON_DATE ? day : dayOf(now + Number(choice) * DAY_MS);
}

function Ask({ onMade, onClose }: { onMade: (made: MadeKey) => void; onClose: () => void }) {
  const owns = useMay("own");
  const places = usePlaceChoices(usePlaces());
  const [name, setName] = useState("");
  const [scope, setScope] = useState<string>("read");
  const [limited, setLimited] = useState<string[]>([]);
  const [expires, setExpires] = useState("365");
  const [day, setDay] = useState("");
  const { busy, error, run } = useCall<MadeKey>();
  const last = lastDay(expires, day, Date.now());
  const submit = async () => {
    const made = await run(() => api.post<MadeKey>("/keys", { name, scope, places: limited, expires: endOfDay(last) }));
    if (made) onMade(made);
  };
  const scopes = SCOPES.map((value) => {
    const locked = !owns && value !== "read";
    return { value, label: scopeName(value), hint: locked ? t("keys.scope_locked") : t(`scope_means.${value}`), disabled: locked };
  });
  const spans = DAYS.map((n) => ({ value: String(n), label: t("keys.days", { n: format.number(locale(), n), day: format.fullDay(locale(), Date.now() + n * DAY_MS) }) }));
  return (
    <Dialog title={t("keys.add")} onClose={onClose} id="dialog-add-key" wide>
      <Form onSubmit={() => void submit()} id="add-key-form">
        <TextField label={t("keys.name")} hint={t("keys.name_hint")} value={name} onChange={setName} id="key-name" required autoFocus />
        <Radios label={t("keys.scope")} value={scope} onChange={setScope} options={scopes} id="key-scope" />
        <ManyChoice label={t("users.limited")} id="key-places" values={limited} onChange={setLimited} options={places} hint={t("keys.places_hint")} empty={t("keys.places_empty")} />
        <Choice
          label={t("keys.expires")}
          id="key-expires"
          value={expires}
          onChange={setExpires}
          options={[...spans, { value: ON_DATE, label: t("keys.on_date") }, { value: NEVER, label: t("keys.never_choice") }]}
          hint={t(expires === NEVER ? "keys.never_hint" : "keys.expires_hint")}
        />
        {expires === ON_DATE && <DateField label={t("keys.date")} id="key-date" value={day} onChange={setDay} least={dayOf(Date.now())} hint={t("keys.date_hint", { zone: format.ownZone() })} />}
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} disabled={!name.trim() || (expires === ON_DATE && !day)} id="key-submit">
            {t("action.add")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

/** The key itself stands in no command: what is typed into a terminal is kept there. */
export const exampleOf = (origin: string): string => `read -rs SOUNDPOST_KEY\ncurl -H "X-Api-Key: $SOUNDPOST_KEY" \\\n  ${origin}/api/v1/summary`;

function Made({ made, onClose }: { made: MadeKey; onClose: () => void }) {
  const example = exampleOf(location.origin);
  return (
    <Dialog title={t("keys.made", { name: made.item.name })} onClose={onClose} id="dialog-made-key" wide stays>
      <Stack gap={12}>
        <Notice tone="degraded" id="key-once">{t("keys.once")}</Notice>
        <Secret text={made.key} id="key-text" label={t("keys.made", { name: made.item.name })} />
        <Line keep>
          <Grow>
            <Text dim>{t("keys.try")}</Text>
          </Grow>
          <CopyButton text={example} label={t("keys.copy_example")} id="key-copy-example" />
        </Line>
        <Code id="key-example" label={t("keys.example")}>
          {example}
        </Code>
        <Text dim small>{t("keys.header")}</Text>
        <DialogFoot>
          <Act onClick={onClose} id="key-close">
            {t("action.noted")}
          </Act>
          <CopyAct primary text={made.key} label={t("action.copy")} id="key-copy" />
        </DialogFoot>
      </Stack>
    </Dialog>
  );
}
