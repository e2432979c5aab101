import { t } from "@/words";
import { Act } from "./forms";
import { Line, Notice, Stack, Text } from "./layout";

/** Where another changed a field while it was typed into here: both values, and who types says which one stands. */
export function Clashes({ clashes, name, shown, onSettle }: { clashes: readonly { field: string; theirs: string; mine: string }[]; name: (field: string) => string; shown?: (field: string, value: string) => string; onSettle: (field: string, mine: boolean) => void }) {
  const word = (field: string, value: string) => (value && shown ? shown(field, value) : value) || "–";
  return clashes.map(({ field, theirs, mine }) => (
    <Notice key={field} tone="degraded" said id={`clash-${field}`}>
      <Stack gap={8}>
        <Text wrap>{t("clash.text", { field: name(field), theirs: word(field, theirs), mine: word(field, mine) })}</Text>
        <Line gap={8}>
          <Act small onClick={() => onSettle(field, false)} id={`clash-${field}-theirs`}>
            {t("clash.theirs")}
          </Act>
          <Act small onClick={() => onSettle(field, true)} id={`clash-${field}-mine`}>
            {t("clash.mine")}
          </Act>
        </Line>
      </Stack>
    </Notice>
  ));
}
