import { useEffect, useState, type ReactNode } from "react";
import { api } from "@/api/client";
import type { OrganizationSettings, Trial, Way } from "@/api/types";
import { useCall } from "@/live/call";
import { differing } from "@/live/edits";
import { Act, At, Code, Dialog, DialogFoot, ErrorNote, Form, Line, Notice, Shape, Stack, Text, TextField } from "@/ui";
import { t } from "@/words";

export interface PartProps {
  settings: OrganizationSettings;
  /** Why this person may not change it; null: may. */
  locked: string | null;
  onChanged: (settings: OrganizationSettings) => void;
}

/** Asked again whenever `stamp` changes; what was shown stays until the answer is there. */
export function useAsked<T>(path: string | null, stamp: unknown): { value: T | null; error: unknown; put: (value: T) => void } {
  const [value, put] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (!path) return;
    let left = false;
    api
      .get<T>(path)
      .then((answer) => !left && (put(answer), setError(null)))
      .catch((problem: unknown) => !left && setError(problem));
    return () => {
      left = true;
    };
  }, [path, stamp]);
  return { value, error, put };
}

/** Whether messages leave this way, why not, and what waits. */
export function WayLine({ way, channel }: { way: Way; channel: "mail" | "sms" }) {
  const status = way.why === "" ? "online" : way.why === "down" ? "offline" : way.why === "address_missing" ? "degraded" : "unknown";
  const text = way.why === "" ? t("organization.works") : way.why === "down" ? t("organization.down") : way.why === "address_missing" ? t("organization.no_address") : t(channel === "mail" ? "organization.no_mail" : "organization.no_sms");
  return (
    <Stack gap={4}>
      <Line gap={8}>
        <Shape status={status} />
        <Text id={`${channel}-state`} wrap>
          {text}
          {way.why === "down" && way.since && (
            <>
              {" "}
              {t("organization.since")} <At time={way.since} />.
            </>
          )}
          {way.why === "down" && way.next && (
            <>
              {" "}
              {t("external.next_try")} <At time={way.next} />.
            </>
          )}
        </Text>
      </Line>
      {way.words && (
        <Text mono small wrap id={`${channel}-words`}>
          {way.words}
        </Text>
      )}
      {way.waiting > 0 && (
        <Text dim id={`${channel}-waiting`}>
          {t(way.why === "not_set_up" ? "organization.waiting_setup" : "organization.waiting", { n: way.waiting })}
        </Text>
      )}
      {way.failed > 0 && (
        <Text tone="degraded" id={`${channel}-failed`}>
          {t("organization.failed", { n: way.failed })}
        </Text>
      )}
    </Stack>
  );
}

/** A dialog of fields that saves a part of the settings. `known`: what the hub said of them when it opened, which is not said again; what is only
 *  proposed in a field is not in it. */
export function Edit(props: { title: string; id: string; wide?: boolean; body: () => object; known?: object; onClose: () => void; onChanged: (settings: OrganizationSettings) => void; children: ReactNode }) {
  const { busy, error, run } = useCall<OrganizationSettings>();
  const [first] = useState(props.known);
  const save = async () => {
    const done = await run(() => api.patch<OrganizationSettings>("/organization", first ? differing(first, props.body()) : props.body()));
    if (!done) return;
    props.onChanged(done);
    props.onClose();
  };
  return (
    <Dialog title={props.title} onClose={props.onClose} id={`dialog-${props.id}`} wide={props.wide}>
      <Form onSubmit={() => void save()}>
        {props.children}
        <ErrorNote error={error} saving />
        <DialogFoot>
          <Act onClick={props.onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} id={`${props.id}-save`}>
            {t("action.save")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

/** Sends a test message now and shows all that the server said. */
export function TrialDialog({ channel, to: first, onClose }: { channel: "mail" | "sms"; to: string; onClose: () => void }) {
  const [to, setTo] = useState(first);
  const { busy, error, result, run } = useCall<Trial>();
  return (
    <Dialog title={t(channel === "mail" ? "organization.test_mail" : "organization.test_sms")} onClose={onClose} id="dialog-trial" wide>
      <Form onSubmit={() => void run(() => api.post<Trial>(`/organization/${channel}/test`, { to: to.trim() }))}>
        <TextField label={t(channel === "mail" ? "organization.to_mail" : "organization.to_number")} value={to} onChange={setTo} id="trial-to" required autoFocus />
        <ErrorNote error={error} />
        {result && !error && (
          <Stack gap={8}>
            <Notice tone={result.ok ? "accent" : "offline"} icon={result.ok ? "check" : undefined} id="trial-result">
              <Text wrap>
                {t(result.ok ? "organization.test_taken" : "organization.test_refused")} {result.text}
              </Text>
            </Notice>
            <Code id="trial-dialogue" label={t("organization.dialogue")}>
              {result.dialogue.join("\n")}
            </Code>
          </Stack>
        )}
        <DialogFoot>
          <Act onClick={onClose} id="trial-close">
            {t("action.close")}
          </Act>
          <Act primary submit busy={busy} id="trial-send">
            {t("organization.send")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}
