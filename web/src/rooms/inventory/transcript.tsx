import { useMutation } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { Device } from "@/api/types";
import { useWhyNot } from "@/live/may";
import { Act, Code, CopyButton, Details, DownloadButton, ErrorNote, Line, Stack, Text } from "@/ui";
import { t } from "@/words";

const SHOWN_LINES = 200;

/** What went over a device's line of late. It is fetched from the site when asked for, and each reading is audited. */
export function Transcript({ device }: { device: Device }) {
  const why = useWhyNot("administer");
  const read = useMutation({ mutationFn: () => api.file(`/devices/${device.id}/transcript`) });
  const lines = read.data?.text.trimEnd().split("\n") ?? [];
  const left = lines.length - SHOWN_LINES;
  return (
    <Details title={t("transcript.title")} id="transcript">
      <Stack gap={8}>
        <Text dim>{t("transcript.what")}</Text>
        <Line gap={8}>
          <Act small busy={read.isPending} reason={why} onClick={() => read.mutate()} id="transcript-read">
            {read.data ? t("transcript.again") : t("transcript.read")}
          </Act>
          {read.data && <DownloadButton text={read.data.text} name={read.data.name} label={t("transcript.download")} id="transcript-download" />}
          {read.data && <CopyButton text={read.data.text} label={t("transcript.copy")} id="transcript-copy" />}
        </Line>
        <ErrorNote error={read.error} onRetry={() => read.mutate()} />
        {read.data && (
          <>
            {left > 0 && <Text dim>{t("transcript.older", { n: left })}</Text>}
            <Code label={t("transcript.title")} id="transcript-text">
              {lines.slice(-SHOWN_LINES).join("\n")}
            </Code>
          </>
        )}
      </Stack>
    </Details>
  );
}
