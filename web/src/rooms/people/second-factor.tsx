import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { api } from "@/api/client";
import { useMay, useSession } from "@/api/session";
import type { AccountInfo, Begun, FactorInfo, SecondFactorPolicy, Session } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, At, Choice, Code, Dialog, DialogFoot, DownloadButton, ErrorNote, Form, Gate, Line, Notice, QrCode, Secret, SecretField, Section, Stack, Text, TextField } from "@/ui";
import { t } from "@/words";

type Open = "set-up" | "codes" | "disable" | null;

export function SecondFactor({ account, onChange }: { account: AccountInfo; onChange: () => void }) {
  const [open, setOpen] = useState<Open>(null);
  const close = () => {
    setOpen(null);
    onChange();
  };
  const owner = useMay("own");
  return (
    <Section title={t("factor.title")} id="factor">
      <Stack gap={12}>
        <FactorState factor={account.second_factor} />
        <Line gap={8}>
          {!account.second_factor.since && (
            <Act onClick={() => setOpen("set-up")} id="factor-set-up">
              {t("factor.set_up")}
            </Act>
          )}
          {account.second_factor.since && (
            <>
              <Act onClick={() => setOpen("codes")} id="factor-codes">
                {t("factor.new_codes")}
              </Act>
              <Act danger onClick={() => setOpen("disable")} disabled={account.second_factor.demanded} id="factor-disable">
                {t("factor.disable")}
              </Act>
            </>
          )}
        </Line>
        {owner && <Policy />}
      </Stack>
      {open === "set-up" && (
        <SetUp
          onDone={close}
          frame={(content, made) => (
            <Dialog title={t("factor.dialog")} onClose={close} id="dialog-factor" stays={made}>
              {content}
            </Dialog>
          )}
        />
      )}
      {open === "codes" && <NewCodes onClose={close} />}
      {open === "disable" && <Disable onClose={close} />}
    </Section>
  );
}

function FactorState({ factor }: { factor: FactorInfo }) {
  return (
    <div data-testid="factor-state">
      {factor.since ? (
        <Text>
          {t("factor.on")} <At time={factor.since} /> · {t("factor.left", { n: factor.codes_left })}
        </Text>
      ) : (
        <Text dim>{t("factor.off")}</Text>
      )}
      {factor.demanded && (
        <Text dim small>
          {t("factor.demanded")}
        </Text>
      )}
    </div>
  );
}

/** An organization's demand; owners set it. */
function Policy() {
  const { replace } = useSession();
  const { data, refetch } = useQuery({ queryKey: ["second-factor-policy"], queryFn: () => api.get<{ demanded_of: SecondFactorPolicy }>("/policy/second-factor") });
  const { error, run } = useCall<unknown>();
  const put = async (value: string) => {
    await run(() => api.put("/policy/second-factor", { demanded_of: value }));
    await refetch();
    replace(await api.get<Session>("/session"));
  };
  const choices: SecondFactorPolicy[] = ["nobody", "administrators", "everybody"];
  return (
    <Stack gap={8} narrow>
      <Choice label={t("factor.policy")} value={data?.demanded_of ?? "nobody"} onChange={(value) => void put(value)} options={choices.map((value) => ({ value, label: t(`factor.${value}`) }))} id="factor-policy" disabled={!data} />
      <ErrorNote error={error} />
    </Stack>
  );
}

/** Password, then the code of the app, then the recovery codes: `made`, they are shown, this once. */
function SetUp({ onDone, frame }: { onDone: () => void; frame: (content: ReactNode, made: boolean) => ReactNode }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const begin = useCall<Begun>();
  const confirm = useCall<{ codes: string[] }>();
  const begun = begin.result;
  if (confirm.result) return frame(<Codes codes={confirm.result.codes} onDone={onDone} />, true);
  if (!begun)
    return frame(
      <Form onSubmit={() => void begin.run(() => api.post<Begun>("/account/second-factor", { password }))} id="factor-begin">
        <SecretField label={t("password.present")} value={password} onChange={setPassword} id="factor-password" autoComplete="current-password" required autoFocus />
        <ErrorNote error={begin.error} />
        <DialogFoot>
          <Act primary submit busy={begin.busy} id="factor-next">
            {t("factor.next")}
          </Act>
        </DialogFoot>
      </Form>,
      false,
    );
  return frame(
    <Form onSubmit={() => void confirm.run(() => api.post<{ codes: string[] }>("/account/second-factor/confirm", { code }))} id="factor-confirm">
      <Text dim>{t("factor.scan")}</Text>
      <Line>
        <QrCode text={begun.uri} label={t("factor.qr")} />
      </Line>
      <Secret text={begun.secret} id="factor-secret" label={t("factor.secret")} />
      <TextField label={t("factor.code")} value={code} onChange={setCode} id="factor-code" autoComplete="one-time-code" required autoFocus big />
      <ErrorNote error={confirm.error} />
      <DialogFoot>
        <Act primary submit busy={confirm.busy} id="factor-confirm-act">
          {t("factor.turn_on")}
        </Act>
      </DialogFoot>
    </Form>,
    false,
  );
}

function Codes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  return (
    <Stack gap={12}>
      <Text dim>{t("factor.codes_text")}</Text>
      <Code id="recovery-codes" label={t("factor.codes")}>
        {codes.join("\n")}
      </Code>
      <DialogFoot start={<DownloadButton text={`${codes.join("\n")}\n`} name="soundpost-recovery-codes.txt" label={t("factor.save")} id="recovery-save" />}>
        <Act primary onClick={onDone} id="recovery-kept">
          {t("factor.kept")}
        </Act>
      </DialogFoot>
    </Stack>
  );
}

function useProof() {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const fields = (
    <>
      <SecretField label={t("password.present")} value={password} onChange={setPassword} id="proof-password" autoComplete="current-password" required autoFocus />
      <TextField label={t("factor.proof")} value={code} onChange={setCode} id="proof-code" autoComplete="one-time-code" required />
    </>
  );
  return { body: { password, code }, fields };
}

function NewCodes({ onClose }: { onClose: () => void }) {
  const { body, fields } = useProof();
  const { busy, error, result, run } = useCall<{ codes: string[] }>();
  return (
    <Dialog title={t("factor.codes")} onClose={onClose} id="dialog-codes" stays={Boolean(result)}>
      {result ? (
        <Codes codes={result.codes} onDone={onClose} />
      ) : (
        <Form onSubmit={() => void run(() => api.post<{ codes: string[] }>("/account/second-factor/codes", body))}>
          {fields}
          <ErrorNote error={error} />
          <DialogFoot>
            <Act onClick={onClose}>{t("action.cancel")}</Act>
            <Act primary submit busy={busy} id="codes-act">
              {t("factor.next")}
            </Act>
          </DialogFoot>
        </Form>
      )}
    </Dialog>
  );
}

function Disable({ onClose }: { onClose: () => void }) {
  const { body, fields } = useProof();
  const { busy, error, run } = useCall<boolean>();
  const submit = async () => {
    const done = await run(async () => {
      await api.post("/account/second-factor/disable", body);
      return true;
    });
    if (done) onClose();
  };
  return (
    <Dialog title={t("factor.title")} onClose={onClose} id="dialog-disable">
      <Form onSubmit={() => void submit()}>
        {fields}
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary danger submit busy={busy} id="disable-act">
            {t("factor.turn_off")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

/** Before anything else, for whom a second factor is demanded of and has none. */
export function SetUpFirst({ brand, onDone }: { brand: ReactNode; onDone: () => void }) {
  const { signOut } = useSession();
  return (
    <Gate title={t("factor.dialog")} brand={brand}>
      <Notice tone="accent" id="set-up-first">
        {t("factor.first")}
      </Notice>
      <SetUp onDone={onDone} frame={(content) => content} />
      <Act onClick={() => void signOut()} id="set-up-sign-out">
        {t("action.sign_out")}
      </Act>
    </Gate>
  );
}
