import { useState } from "react";
import { api } from "@/api/client";
import type { Outgoing, Page } from "@/api/types";
import { useCall } from "@/live/call";
import { Ago, Confirm, ErrorNote, Line, Loading, RowLine, RowMenu, Rows, Section, Shape, Stack, Text, Tool, ToolBar } from "@/ui";
import { maybe, t } from "@/words";
import { useAsked } from "./parts";

/** What waits and what failed, newest first; what is out is not shown. */
export function Messages({ locked, stamp }: { locked: string | null; stamp: unknown }) {
  const { value: page, error } = useAsked<Page<Outgoing>>("/organization/messages?limit=200", stamp);
  const again = useCall<unknown>();
  const items = page?.items ?? [];
  return (
    <Section title={t("organization.messages")} count={page ? items.length : undefined} id="organization-messages">
      <ToolBar label={t("organization.messages")}>
        <Tool name={t("organization.retry_all")} onClick={() => void again.run(() => api.post("/organization/messages/retry"))} reason={locked ?? (items.length ? null : t("organization.no_messages"))} id="retry-all" asked={again.busy} />
      </ToolBar>
      <ErrorNote error={error || again.error} />
      {!page && !error && <Loading rows={3} />}
      {page && !items.length && <Text dim>{t("organization.no_messages")}</Text>}
      {items.length > 0 && (
        <Rows id="messages">
          {items.map((message) => (
            <Message key={message.id} message={message} locked={locked} />
          ))}
        </Rows>
      )}
    </Section>
  );
}

function Message({ message, locked }: { message: Outgoing; locked: string | null }) {
  const call = useCall<unknown>();
  const [dropping, setDropping] = useState(false);
  const failed = message.state === "failed";
  const what = maybe(`message.${message.kind}`, message.kind);
  const path = `/organization/messages/${message.id}`;
  const entries = [
    ...(message.can_retry ? [{ label: t("action.try_now"), onClick: () => void call.run(() => api.post(`${path}/retry`)), id: "message-retry", reason: locked }] : []),
    { label: t("organization.drop"), onClick: () => setDropping(true), id: "message-drop", danger: true, reason: locked },
  ];
  return (
    <RowLine id="message" end={<RowMenu label={t("organization.message_menu", { to: message.to })} entries={entries} id="message-menu" />}>
      <Stack gap={4}>
        <Line gap={8}>
          <Shape status={failed ? "offline" : message.tries || message.state === "held" ? "degraded" : "unknown"} />
          <Text strong wrap>
            {message.to}
          </Text>
          <Text dim>{what}</Text>
        </Line>
        <Text small dim wrap>
          {t(failed ? "message.failed" : message.state === "held" ? "message.held" : message.sending ? "message.sending" : "message.waiting")} · <Ago time={message.created} />
          {message.tries > 0 && <> · {t("organization.tries", { n: message.tries })}</>}
          {message.may_repeat && <> · {t("organization.may_repeat")}</>}
        </Text>
        {message.said && (
          <Text small mono wrap>
            {message.said}
          </Text>
        )}
        <ErrorNote error={call.error} />
      </Stack>
      {dropping && (
        <Confirm title={t("organization.drop_title")} act={t("organization.drop")} danger busy={call.busy} error={call.error} onAct={() => void call.run(() => api.delete(path)).then(() => setDropping(false))} onClose={() => setDropping(false)} id="drop">
          <Text>{t("organization.drop_text", { what, to: message.to })}</Text>
        </Confirm>
      )}
    </RowLine>
  );
}
