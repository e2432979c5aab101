import { useState } from "react";
import { api } from "@/api/client";
import type { AccountInfo } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, Dialog, DialogFoot, ErrorNote, Form, Line, Notice, Section, Stack, Tag, Text, TextField } from "@/ui";
import { t } from "@/words";

export function NumberSection({ account, onChange }: { account: AccountInfo; onChange: () => Promise<unknown> }) {
  const [open, setOpen] = useState(false);
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useCall<unknown>();
  const clear = async () => {
    setSent(false);
    await run(() => api.delete("/account/number"));
    await onChange();
  };
  return (
    <Section title={t("number.title")} id="number">
      <Stack gap={12}>
        <Line gap={8}>
          <span data-testid="number-shown">{account.number || <Text dim>{t("number.none")}</Text>}</span>
          {account.number && <Tag accent={account.number_verified}>{t(account.number_verified ? "number.verified" : "number.unverified")}</Tag>}
        </Line>
        {account.number && !account.number_verified && (account.can_text ? <Verify number={account.number} sent={sent} onSent={setSent} onChange={onChange} /> : <Text dim small>{t("number.no_gateway")}</Text>)}
        <ErrorNote error={error} />
        <Line gap={8}>
          <Act onClick={() => setOpen(true)} id="number-change">
            {t("number.change")}
          </Act>
          <Act onClick={() => void clear()} busy={busy} disabled={!account.number} id="number-clear">
            {t("number.clear")}
          </Act>
        </Line>
      </Stack>
      {open && <ChangeNumber account={account} onSent={setSent} onChange={onChange} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function ChangeNumber({ account, onSent, onChange, onClose }: { account: AccountInfo; onSent: (sent: boolean) => void; onChange: () => Promise<unknown>; onClose: () => void }) {
  const [number, setNumber] = useState(account.number);
  const { busy, error, run } = useCall<boolean>();
  const submit = async () => {
    const done = await run(async () => {
      await api.put("/account/number", { number });
      return true;
    });
    await onChange();
    // the hub sends a code to a new number by itself
    onSent(Boolean(done) && account.can_text);
    if (done) onClose();
  };
  return (
    <Dialog title={t("number.dialog")} onClose={onClose} id="dialog-number">
      <Form onSubmit={() => void submit()}>
        <TextField label={t("number.field")} hint={t("number.hint")} value={number} onChange={setNumber} id="number-field" autoComplete="tel" required autoFocus />
        <ErrorNote error={error} />
        <DialogFoot>
          <Act primary submit busy={busy} id="number-submit">
            {t("action.change")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

/** `sent`: a code left for this number, as far as this page knows. */
function Verify({ number, sent, onSent, onChange }: { number: string; sent: boolean; onSent: (sent: boolean) => void; onChange: () => Promise<unknown> }) {
  const [code, setCode] = useState("");
  const { busy, error, run } = useCall<unknown>();
  const submit = async () => {
    await run(() => api.post("/account/number/verify", { code }));
    await onChange();
  };
  const send = async () => {
    onSent(false);
    const done = await run(async () => {
      await api.post("/account/number/code");
      return true;
    });
    onSent(Boolean(done));
  };
  return (
    <Form onSubmit={() => void submit()} id="number-verify">
      {sent && <Notice tone="accent" said id="number-sent">{t("number.sent", { number })}</Notice>}
      <TextField label={t("number.code")} value={code} onChange={setCode} id="number-code" autoComplete="one-time-code" required />
      <ErrorNote error={error} />
      <Line gap={8}>
        <Act submit busy={busy} id="number-verify-act">
          {t("number.verify")}
        </Act>
        <Act onClick={() => void send()} id="number-send">
          {t("number.send")}
        </Act>
      </Line>
    </Form>
  );
}
