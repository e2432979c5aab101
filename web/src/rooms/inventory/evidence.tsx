import { Tag, Text } from "@/ui";
import { t } from "@/words";

/** What a word about a capability means, where it needs to be said. */
export function supportText(word: string): string | undefined {
  if (word === "evidenced") return t("evidenced.text");
  return word === "assumed" || word === "untried" ? t("assumed.text") : undefined;
}

/** Whether a source proves how a device tells this, or it is worked out. */
export function Evidence({ assumed, id }: { assumed: boolean; id?: string }) {
  const word = assumed ? "assumed" : "evidenced";
  return (
    <Tag title={supportText(word)} quiet={!assumed} id={id}>
      {t(`support.${word}`)}
    </Tag>
  );
}

/** Both words, for who reads them the first time. */
export function Legend() {
  return (
    <Text dim small wrap id="evidence-legend">
      <Text strong>{t("support.evidenced")}</Text>: {t("evidence.evidenced")} <Text strong>{t("support.assumed")}</Text>: {t("evidence.assumed")}
    </Text>
  );
}
