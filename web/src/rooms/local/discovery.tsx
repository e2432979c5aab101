import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { useMay } from "@/api/session";
import type { Discovery } from "@/api/types";
import { Act, ErrorNote, Form, Grow, Halves, LinkButton, Loading, LongField, Line, Radios, RowLine, Rows, Section, Tag, Text, TextField, Two } from "@/ui";
import { maybe, t } from "@/words";

export function DiscoverySettings() {
  const { data, error, refetch } = useQuery({ queryKey: ["discovery"], queryFn: () => api.get<Discovery>("/local/discovery") });
  if (error) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading rows={4} />;
  return <Editor key={JSON.stringify(data)} given={data} />;
}

function Editor({ given }: { given: Discovery }) {
  const queries = useQueryClient();
  const may = useMay("own");
  const [subnets, setSubnets] = useState(given.subnets.join("\n"));
  const [policy, setPolicy] = useState<string>(given.policy);
  const [minutes, setMinutes] = useState(String(given.interval_s / 60));
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const list = subnets.split(/[\s,]+/).filter(Boolean);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      const interval = Math.round(Number(minutes.replace(",", ".")) * 60);
      await api.put("/local/discovery", { subnets: list, policy, interval_s: interval });
      setSaved(true);
      await queries.invalidateQueries({ queryKey: ["discovery"] });
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Halves>
      <Section title={t("settings.discovery")} id="discovery">
        <Form onSubmit={() => void submit()} id="discovery-form">
          <LongField label={t("field.subnets")} hint={t("discovery.subnets_hint")} value={subnets} onChange={setSubnets} id="discovery-subnets" disabled={!may} />
          <Radios
            label={t("discovery.policy")}
            value={policy}
            onChange={setPolicy}
            id="discovery-policy"
            options={[
              { value: "list", label: t("discovery.list") },
              { value: "ask", label: t("discovery.ask") },
            ]}
          />
          <TextField label={t("discovery.interval")} value={minutes} onChange={setMinutes} id="discovery-interval" disabled={!may} />
          <ErrorNote error={error} saving />
          {may && (
            <Line justify="end" gap={12}>
              {saved && !busy && !error && <Text dim>{t("state.saved")}</Text>}
              <Act primary submit busy={busy} id="discovery-save">
                {t("action.save")}
              </Act>
            </Line>
          )}
        </Form>
      </Section>
      <Section title={t("discovery.interfaces")} id="interfaces">
        {given.interfaces.length === 0 && <Text dim>{t("discovery.no_interfaces")}</Text>}
        <Rows>
          {given.interfaces.map((each) => (
            <RowLine
              key={`${each.name}-${each.range}`}
              end={
                each.swept ? (
                  <Tag>{t("discovery.swept")}</Tag>
                ) : may && !list.includes(each.range) ? (
                  <LinkButton onClick={() => setSubnets([...list, each.range].join("\n"))} id={`discovery-add-${each.range}`}>
                    {t("discovery.add")}
                  </LinkButton>
                ) : (
                  <Text dim>{t("discovery.on_save")}</Text>
                )
              }
            >
              <Grow>
                <Two
                  first={
                    <>
                      <Text strong>{each.name}</Text> <Text mono>{each.range}</Text>
                    </>
                  }
                  second={each.swept ? "" : each.note_code || each.note ? maybe(`note.${each.note_code}`, each.note ?? "") : t("server.not_swept")}
                />
              </Grow>
            </RowLine>
          ))}
        </Rows>
      </Section>
    </Halves>
  );
}
