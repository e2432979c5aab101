import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { useMay } from "@/api/session";
import type { CredentialSet } from "@/api/types";
import { Act, Confirm, Dialog, DialogFoot, Empty, ErrorNote, Form, Grow, IconButton, LinkButton, Loading, RowLine, Rows, SecretField, Section, Stack, Text, TextField, Two } from "@/ui";
import { t } from "@/words";

type Draft = Omit<CredentialSet, "id"> & { id?: string };

/** The ordered list of sign-ins tried where a banner fits. Passwords go in and never come out. */
export function Credentials() {
  const queries = useQueryClient();
  const may = useMay("own");
  const { data, error, refetch } = useQuery({ queryKey: ["credentials"], queryFn: () => api.get<{ items: CredentialSet[] }>("/local/credentials") });
  const [edit, setEdit] = useState<number | "new" | null>(null);
  const [remove, setRemove] = useState<number | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const items = data?.items ?? [];
  const save = async (next: Draft[]) => {
    const answer = await api.put<{ items: CredentialSet[] } | undefined>("/local/credentials", { items: next });
    if (answer?.items) queries.setQueryData(["credentials"], answer);
    else await queries.invalidateQueries({ queryKey: ["credentials"] });
  };
  const move = (index: number, by: number) => {
    const next = [...items];
    const [set] = next.splice(index, 1);
    next.splice(index + by, 0, set!);
    setFailed(null);
    save(next).catch(setFailed);
  };
  if (error) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading rows={3} />;
  return (
    <Stack narrow gap={16}>
      <Section title={t("settings.credentials")} count={items.length} id="credentials" end={may && <IconButton icon="plus" label={t("credentials.add")} id="credentials-add" onClick={() => setEdit("new")} />}>
        <Text dim>{t("credentials.text")}</Text>
        <ErrorNote error={failed} />
        {items.length === 0 ? (
          <Empty title={t("credentials.none")}>{t("credentials.none_text")}</Empty>
        ) : (
          <Rows>
            {items.map((set, index) => (
              <RowLine
                key={set.id}
                id={`credential-${set.id}`}
                end={
                  may && (
                    <>
                      {index > 0 && <IconButton tiny icon="up" label={t("credentials.up", { name: set.user })} onClick={() => move(index, -1)} id={`credential-${set.id}-up`} />}
                      <LinkButton onClick={() => setEdit(index)} id={`credential-${set.id}-edit`}>
                        {t("action.change")}
                      </LinkButton>
                      <LinkButton onClick={() => setRemove(index)} id={`credential-${set.id}-remove`}>
                        {t("action.remove")}
                      </LinkButton>
                    </>
                  )
                }
              >
                <Text dim>{index + 1}</Text>
                <Grow>
                  <Two first={<Text mono>{set.user}</Text>} second={set.subnets.includes("*") ? t("credentials.everywhere") : set.subnets.join(", ")} />
                </Grow>
              </RowLine>
            ))}
          </Rows>
        )}
      </Section>
      {edit !== null && <EditSet set={edit === "new" ? null : items[edit]!} onClose={() => setEdit(null)} onSave={(draft) => save(edit === "new" ? [...items, draft] : items.map((set, index) => (index === edit ? { ...draft, id: set.id } : set)))} />}
      {remove !== null && (
        <RemoveSet name={items[remove]?.user ?? ""} onClose={() => setRemove(null)} onRemove={() => save(items.filter((_, index) => index !== remove))} />
      )}
    </Stack>
  );
}

function RemoveSet({ name, onClose, onRemove }: { name: string; onClose: () => void; onRemove: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async () => {
    setBusy(true);
    try {
      await onRemove();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Confirm title={t("credentials.remove_title", { name })} act={t("action.remove")} danger id="credential-remove" busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text>{t("credentials.remove_text")}</Text>
    </Confirm>
  );
}

function EditSet({ set, onClose, onSave }: { set: CredentialSet | null; onClose: () => void; onSave: (draft: Draft) => Promise<void> }) {
  const [user, setUser] = useState(set?.user ?? "");
  const [password, setPassword] = useState("");
  const [subnets, setSubnets] = useState(set?.subnets.join(", ") ?? "*");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      const list = subnets.split(/[\s,]+/).filter(Boolean);
      await onSave({ user: user.trim(), subnets: list.length ? list : ["*"], ...(password ? { password } : {}) });
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t(set ? "credentials.change" : "credentials.add")} onClose={onClose} id="dialog-credential">
      <Form onSubmit={() => void submit()}>
        <TextField label={t("field.user")} value={user} onChange={setUser} id="credential-user" required autoFocus />
        <SecretField label={t("field.password")} hint={set ? t("credentials.keep") : undefined} value={password} onChange={setPassword} id="credential-password" required={!set} />
        <TextField label={t("credentials.where")} hint={t("credentials.where_hint")} value={subnets} onChange={setSubnets} id="credential-subnets" />
        <ErrorNote error={error} saving />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} id="credential-save">
            {t("action.save")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}
