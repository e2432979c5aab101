import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { OpenSession } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, Ago, At, ErrorNote, Section, SimpleTable, Stack, Tag, Td } from "@/ui";
import { t } from "@/words";
import { browserOf } from "./browser";

const AGAIN_MS = 5_000;

export function Sessions() {
  const { data, error, refetch } = useQuery({ queryKey: ["account-sessions"], queryFn: () => api.get<{ items: OpenSession[] }>("/account/sessions"), staleTime: 0, refetchInterval: AGAIN_MS });
  const call = useCall<unknown>();
  const items = data?.items ?? [];
  const end = async (path: string) => {
    await call.run(() => api.delete(path));
    await refetch();
  };
  return (
    <Section
      title={t("sessions.title")}
      count={data ? items.length : undefined}
      id="sessions"
      end={
        <Act small onClick={() => void end("/account/sessions")} disabled={items.length < 2} busy={call.busy} id="sessions-end-others">
          {t("sessions.end_others")}
        </Act>
      }
    >
      <Stack gap={8}>
        <ErrorNote error={error ?? call.error} />
        <SimpleTable head={[t("sessions.browser"), t("sessions.address"), t("sessions.since"), t("sessions.seen"), ""]} label={t("sessions.title")}>
          {items.map((item) => (
            <tr key={item.id} data-testid="session">
              <Td>
                {named(item.browser)} {item.here && <Tag accent>{t("sessions.here")}</Tag>}
              </Td>
              <Td>{item.address}</Td>
              <Td>
                <At time={item.since} />
              </Td>
              <Td>
                {item.here ? t("time.now") : <Ago time={item.last_seen} />}
              </Td>
              <Td>
                {!item.here && (
                  <Act small onClick={() => void end(`/account/sessions/${item.id}`)} id="session-end">
                    {t("sessions.end")}
                  </Act>
                )}
              </Td>
            </tr>
          ))}
        </SimpleTable>
      </Stack>
    </Section>
  );
}

function named(agent: string): string {
  const { browser, system } = browserOf(agent);
  if (browser && system) return t("sessions.on", { browser, system });
  return browser || system || t("sessions.program");
}
