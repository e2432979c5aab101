import { MultiSelect, TextInput } from "@mantine/core";
import { t } from "@/words";
import { everyWord } from "./forms";

const AT_ONCE = 60;

/** Several of many, found by typing; `empty` is what none of them means. */
export function ManyChoice(props: { label: string; values: string[]; onChange: (values: string[]) => void; options: { value: string; label: string }[]; id: string; hint?: string; empty?: string }) {
  const { label, values, onChange, options, id, hint, empty } = props;
  // what is chosen and no longer there stays, so that nothing is taken away unsaid
  const missing = values.filter((value) => !options.some((option) => option.value === value)).map((value) => ({ value, label: value }));
  return (
    <MultiSelect
      label={label}
      value={values}
      onChange={onChange}
      data={[...options, ...missing]}
      filter={everyWord}
      limit={AT_ONCE}
      searchable
      clearable
      hidePickedOptions
      clearButtonProps={{ "aria-label": t("action.clear") }}
      description={hint}
      placeholder={values.length === 0 ? empty : undefined}
      nothingFoundMessage={t("search.nothing")}
      data-testid={id}
      openOnFocus={false}
      withScrollArea={false}
      styles={{ options: { maxBlockSize: 220, overflowY: "auto" } }}
      comboboxProps={{ shadow: "md", withinPortal: true }}
      spellCheck={false}
    />
  );
}

/** A day as `YYYY-MM-DD`; "" is none. */
export function DateField({ label, value, onChange, id, hint, error, least }: { label: string; value: string; onChange: (value: string) => void; id: string; hint?: string; error?: string; least?: string }) {
  return <TextInput type="date" label={label} value={value} min={least} onChange={(e) => onChange(e.currentTarget.value)} data-testid={id} description={hint} error={error} />;
}
