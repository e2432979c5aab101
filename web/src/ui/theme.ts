import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The one accent colour. */
const accent: MantineColorsTuple = ["#eef3ff", "#dbe5fc", "#b6c9f6", "#8fabf0", "#86a8ff", "#4a74dc", "#2a56c6", "#2149ad", "#1a3c92", "#122c70"];

export const theme = createTheme({
  primaryColor: "accent",
  colors: { accent },
  primaryShade: { light: 6, dark: 6 },
  autoContrast: true,
  defaultRadius: "sm",
  fontFamily: 'Inter, "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  focusRing: "auto",
  respectReducedMotion: true,
  cursorType: "pointer",
});
