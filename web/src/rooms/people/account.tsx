import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { AccountInfo, Session } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, Choice, Dialog, DialogFoot, ErrorNote, Facts, Form, Halves, Line, Loading, Notice, SearchChoice, SecretField, Section, Stack, Text, TextField, useFilter, useGo, useScheme, type Scheme } from "@/ui";
import { currentLanguage, LANGUAGES, maybe, setLanguage, t, type Language } from "@/words";
import { NumberSection } from "./number";
import { SecondFactor } from "./second-factor";
import { Sessions } from "./sessions";

export function Account() {
  const { data, error, refetch } = useQuery({ queryKey: ["account"], queryFn: () => api.get<AccountInfo>("/account"), staleTime: 0, refetchInterval: 10_000 });
  const { session, replace } = useSession();
  const changed = async () => {
    await refetch();
    replace(await api.get<Session>("/session"));
  };
  return (
    <Stack gap={24}>
      <Welcome />
      <ErrorNote error={error} onRetry={() => void refetch()} />
      {!data && !error && <Loading rows={4} />}
      {data && (
        <>
          <Halves>
            <Profile account={data} onChange={changed} />
            <Display account={data} onChange={changed} />
          </Halves>
          <Halves>
            <SecondFactor account={data} onChange={() => void changed()} />
            {session.edition === "enterprise" && <NumberSection account={data} onChange={changed} />}
          </Halves>
          <Sessions />
        </>
      )}
    </Stack>
  );
}

function Welcome() {
  const [search] = useFilter();
  const go = useGo();
  if (!search.first) return null;
  return (
    <Notice tone="accent" id="welcome">
      <Line justify="between">
        <Text>{t("account.welcome")}</Text>
        <Act primary onClick={() => go("/", true)} id="account-continue">
          {t("account.continue")}
        </Act>
      </Line>
    </Notice>
  );
}

interface PartProps {
  account: AccountInfo;
  onChange: () => Promise<unknown>;
}

function Profile({ account, onChange }: PartProps) {
  const { session, signOut } = useSession();
  const [open, setOpen] = useState<"name" | "password" | null>(null);
  const [done, setDone] = useState(false);
  const local = session.edition === "local_agent";
  const close = () => setOpen(null);
  return (
    <Section title={t("nav.my_account")} id="account">
      <Facts
        lines={[
          { name: t("first_run.name"), value: account.name || "–", id: "account-name" },
          { name: t(local ? "sign_in.name" : "sign_in.mail"), value: account.sign_in, id: "account-sign-in" },
          { name: t("field.role"), value: maybe(`role.${account.role}`, account.role), id: "account-role" },
          { name: t("field.edition"), value: t(local ? "edition.local_agent" : "edition.enterprise"), id: "account-edition" },
          { name: t("field.version"), value: session.version, id: "account-version" },
        ]}
      />
      {done && <Notice tone="accent" id="password-changed">{t("password.changed")}</Notice>}
      <Line gap={8}>
        <Act onClick={() => setOpen("name")} id="account-edit">
          {t("account.edit")}
        </Act>
        <Act onClick={() => setOpen("password")} id="account-password">
          {t("password.change")}
        </Act>
        <Act onClick={() => void signOut()} id="account-sign-out">
          {t("action.sign_out")}
        </Act>
      </Line>
      {local && (
        <Text dim small>
          {t("account.sign_out_local")}
        </Text>
      )}
      {open === "name" && <EditName account={account} onChange={onChange} onClose={close} />}
      {open === "password" && (
        <ChangePassword
          onClose={(changed) => {
            setDone(changed);
            close();
          }}
        />
      )}
    </Section>
  );
}

function Display({ account, onChange }: PartProps) {
  const { scheme, set } = useScheme();
  const { error, run } = useCall<unknown>();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = useMemo(() => ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")].map((zone) => ({ value: zone, label: zone })), []);
  const change = async (body: { language?: string; zone?: string }) => {
    await run(() => api.patch("/account", body));
    await onChange();
  };
  const speak = async (language: Language) => {
    await change({ language });
    await setLanguage(language);
  };
  return (
    <Section title={t("account.display")}>
      <Stack gap={12} narrow>
        <Choice label={t("account.language")} id="account-language" value={currentLanguage()} onChange={(value) => void speak(value as Language)} options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} />
        <SearchChoice label={t("account.zone")} id="account-zone" value={account.zone} onChange={(zone) => void change({ zone })} options={zones} empty={t("account.zone_browser", { zone: own })} />
        <Choice
          label={t("account.theme")}
          id="account-theme"
          value={scheme}
          onChange={(value) => set(value as Scheme)}
          options={[
            { value: "auto", label: t("theme.auto") },
            { value: "light", label: t("theme.light") },
            { value: "dark", label: t("theme.dark") },
          ]}
        />
        <ErrorNote error={error} />
      </Stack>
    </Section>
  );
}

function EditName({ account, onChange, onClose }: PartProps & { onClose: () => void }) {
  const [name, setName] = useState(account.name);
  const { busy, error, run } = useCall<boolean>();
  const submit = async () => {
    const done = await run(async () => {
      await api.patch("/account", { name });
      return true;
    });
    if (!done) return;
    await onChange();
    onClose();
  };
  return (
    <Dialog title={t("account.profile")} onClose={onClose} id="dialog-profile">
      <Form onSubmit={() => void submit()}>
        <TextField label={t("first_run.name")} value={name} onChange={setName} id="profile-name" autoComplete="name" required autoFocus />
        <ErrorNote error={error} saving />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} id="profile-submit">
            {t("action.save")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

function ChangePassword({ onClose }: { onClose: (changed: boolean) => void }) {
  const { session } = useSession();
  const [present, setPresent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const { busy, error, run } = useCall<boolean>();
  const differ = again !== "" && again !== next;
  const submit = async () => {
    if (again !== next) return;
    const done = await run(async () => {
      await api.put("/session/password", { password: present, new_password: next });
      return true;
    });
    if (done) onClose(true);
  };
  return (
    <Dialog title={t("password.title")} onClose={() => onClose(false)} id="dialog-password">
      <Form onSubmit={() => void submit()}>
        <SecretField label={t("password.present")} value={present} onChange={setPresent} id="password-present" autoComplete="current-password" required autoFocus />
        <SecretField label={t("password.new")} hint={t("password.hint", { n: session.password_least })} value={next} onChange={setNext} id="password-new" required />
        <SecretField label={t("password.again")} value={again} onChange={setAgain} id="password-again" error={differ ? t("password.differ") : undefined} required />
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={() => onClose(false)}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} disabled={differ} id="password-submit">
            {t("action.change")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}
