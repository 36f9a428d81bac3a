declare module '*.sql' {
  const text: string
  // biome-ignore lint/style/noDefaultExport: that is what the import of a file is
  export default text
}
