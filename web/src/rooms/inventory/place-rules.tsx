import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "@/api/client";
import type { PlaceRule } from "@/api/types";
import { useCall } from "@/live/call";
import { usePlaceChoices, type PlacesStore } from "@/live/places";
import { Act, Confirm, Dialog, DialogFoot, ErrorNote, Form, Go, Grow, Halves, IconButton, Loading, RowLine, Rows, SearchChoice, SimpleTable, Stack, Td, Text, TextField, Two, usePhone } from "@/ui";
import { t } from "@/words";

/** Which devices are put where by name or subnet: the first that fits counts, and a hand's word goes before it. */
export function RulesDialog({ store, why, never, onClose }: { store: PlacesStore; why: string | null; never: string | null; onClose: () => void }) {
  const rules = useQuery({ queryKey: ["place-rules"], queryFn: () => api.get<{ items: PlaceRule[] }>("/locations/rules"), staleTime: 0 });
  const { refetch } = rules;
  // devices follow a rule a moment after it was made, and the tree says when
  useEffect(() => void refetch(), [store.version, refetch]);
  const [removing, setRemoving] = useState<PlaceRule | null>(null);
  const phone = usePhone();
  const items = rules.data?.items ?? [];
  if (removing)
    return (
      <RemoveRule
        rule={removing}
        onClose={() => {
          setRemoving(null);
          void refetch();
        }}
      />
    );
  const end = (rule: PlaceRule) => <IconButton tiny icon="close" label={t("rules.delete", { rule: called(rule) })} id={`rule-delete-${rule.id}`} reason={why} onClick={() => setRemoving(rule)} />;
  return (
    <Dialog title={t("rules.title")} onClose={onClose} id="dialog-rules" broad>
      <Stack gap={16}>
        <Text dim>{t("rules.text")}</Text>
        {rules.error ? (
          <ErrorNote error={rules.error} />
        ) : !rules.data ? (
          <Loading rows={2} />
        ) : items.length === 0 ? (
          <Text id="rules-none">{t("rules.none")}</Text>
        ) : phone ? (
          <Rows id="rules">
            {items.map((rule) => (
              <RowLine key={rule.id} id={`rule-${rule.id}`} end={end(rule)}>
                <Grow>
                  <Two
                    first={<Text strong>{called(rule)}</Text>}
                    second={
                      <>
                        <span>{t("count.devices", { n: rule.devices })} · </span>
                        <Go to={`/locations/${rule.location}`}>{rule.path}</Go>
                      </>
                    }
                  />
                </Grow>
              </RowLine>
            ))}
          </Rows>
        ) : (
          <SimpleTable label={t("rules.title")} head={[t("rules.name"), t("rules.subnet"), t("field.location"), t("field.devices"), ""]} numbers={[3]}>
            {items.map((rule) => (
              <tr key={rule.id} data-testid={`rule-${rule.id}`}>
                <Td>{rule.name || <Text dim>{t("rules.any")}</Text>}</Td>
                <Td>{rule.subnet || <Text dim>{t("rules.any")}</Text>}</Td>
                <Td>
                  <Go to={`/locations/${rule.location}`}>{rule.path}</Go>
                </Td>
                <Td number>{rule.devices}</Td>
                <Td>{end(rule)}</Td>
              </tr>
            ))}
          </SimpleTable>
        )}
        {never === null && <AddRule store={store} onDone={() => void refetch()} onClose={onClose} />}
      </Stack>
    </Dialog>
  );
}

const called = (rule: PlaceRule): string => [rule.name, rule.subnet].filter(Boolean).join(" · ");

/** Says how many devices hang where they are by this rule alone: another may take them, else they are nowhere. */
function RemoveRule({ rule, onClose }: { rule: PlaceRule; onClose: () => void }) {
  const { busy, error, run } = useCall<boolean>();
  const act = async () => {
    if (await run(async () => (await api.delete(`/locations/rules/${rule.id}`), true))) onClose();
  };
  return (
    <Confirm title={t("rules.delete", { rule: called(rule) })} act={t("action.delete")} danger id="rule-delete" busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text wrap id="rule-delete-what">{rule.devices > 0 ? t("rules.delete_text", { n: rule.devices, place: rule.path }) : t("rules.delete_none")}</Text>
      <Text dim>{t("rules.delete_again")}</Text>
    </Confirm>
  );
}

function AddRule({ store, onDone, onClose }: { store: PlacesStore; onDone: () => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [subnet, setSubnet] = useState("");
  const [place, setPlace] = useState("");
  const { busy, error, run } = useCall<PlaceRule>();
  const choices = usePlaceChoices(store);
  const submit = async () => {
    const done = await run(() => api.post<PlaceRule>("/locations/rules", { location: place, name: name.trim(), subnet: subnet.trim() }));
    if (!done) return;
    setName("");
    setSubnet("");
    onDone();
  };
  return (
    <Form onSubmit={() => void submit()} id="rule-form">
      <Halves>
        <TextField label={t("rules.name")} hint={t("rules.name_hint")} value={name} onChange={setName} id="rule-name" placeholder="4.12*" />
        <TextField label={t("rules.subnet")} hint={t("rules.subnet_hint")} value={subnet} onChange={setSubnet} id="rule-subnet" placeholder="10.20.4.0/24" />
      </Halves>
      <SearchChoice label={t("rules.place")} id="rule-place" value={place} onChange={setPlace} options={choices} empty={t("put.choose")} required />
      <ErrorNote error={error} />
      <DialogFoot>
        <Act onClick={onClose}>{t("action.close")}</Act>
        <Act primary submit busy={busy} disabled={!place || !(name.trim() || subnet.trim())} id="rule-add">
          {t("rules.add")}
        </Act>
      </DialogFoot>
    </Form>
  );
}
