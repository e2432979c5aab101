import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { useMay } from "@/api/session";
import type { CeilingSetting } from "@/api/types";
import { LEVELS } from "@/live/ceilings";
import { Act, ErrorNote, Form, Line, Loading, Radios, Section, Text } from "@/ui";
import { t } from "@/words";

/** How far this site lets its hub go. */
export function CeilingSettings() {
  const { data, error, refetch } = useQuery({ queryKey: ["ceiling"], queryFn: () => api.get<CeilingSetting>("/local/ceiling") });
  if (error) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading rows={4} />;
  return <Editor given={data} />;
}

function Editor({ given }: { given: CeilingSetting }) {
  const queries = useQueryClient();
  const owner = useMay("own");
  const [chosen, setChosen] = useState<string>(given.ceiling);
  const [saved, setSaved] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const fixed = given.managed === "environment" ? t("ceiling.environment") : owner ? "" : t("tool.not_allowed");
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      queries.setQueryData(["ceiling"], await api.put<CeilingSetting>("/local/ceiling", { ceiling: chosen }));
      setSaved(true);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Section title={t("settings.ceiling")} id="ceiling">
      <Form onSubmit={() => void submit()} id="ceiling-form">
        <Text>{t("ceiling.text")}</Text>
        <Radios label={t("ceiling.most")} value={chosen} onChange={setChosen} id="ceiling-level" options={LEVELS.map((level) => ({ value: level, label: t(`ceiling.${level}_text`) }))} />
        <ErrorNote error={error} saving />
        <Line justify="end" gap={12}>
          {fixed ? <Text dim>{fixed}</Text> : saved && chosen === given.ceiling && <Text dim>{t("state.saved")}</Text>}
          <Act primary submit busy={busy} disabled={fixed !== "" || chosen === given.ceiling} id="ceiling-save">
            {t("action.save")}
          </Act>
        </Line>
      </Form>
    </Section>
  );
}
