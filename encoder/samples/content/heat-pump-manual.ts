/**
 * Sample: a technical manual with a drawing and tables of codes, four pages.
 *
 * @module
 */
import { COLOUR, MARGIN, Press } from "../press/press.ts";
import { drawTable } from "../press/table.ts";

export async function heatPumpManual(): Promise<Uint8Array> {
  const press = new Press({
    title: "Nordwind 8 air-to-water heat pump: installation and service",
    date: new Date(Date.UTC(2024, 9, 1)),
    footer: "Nordwind 8 · Installation and service · Edition 3",
  });
  placing(press);
  wiring(press);
  faults(press);
  service(press);
  return press.finish();
}

function placing(press: Press): void {
  press.title("Nordwind 8", "Air-to-water heat pump · Installation and service");
  press.lead("For trained installers. Keep this booklet in the pocket behind the front panel.");
  press.heading("1 Placing the outdoor unit");
  press.paragraph(
    "Set the unit on a level concrete plinth at least 150 millimetres high, so that melt water can drain and snow does not block the fan. Leave 300 millimetres free behind the unit, 600 millimetres at the service side and two metres in front of the fan. Do not place it under a bedroom window: at full load the sound level is 54 decibels at three metres.",
  );
  clearances(press);
  press.paragraph(
    "The refrigerant is propane (R290, 1.15 kilograms). Within one metre of the unit there must be no drains, cellar windows or sources of ignition, because propane is heavier than air and collects in hollows.",
  );
}

/** The unit from above, with the distances to keep. */
function clearances(press: Press): void {
  const { doc } = press;
  const top = doc.y + 6;
  const x = MARGIN + 120;
  doc.rect(MARGIN, top, press.width, 12).fill(COLOUR.rule);
  press.label("House wall", MARGIN + 8, top + 14, { size: 8.5, colour: COLOUR.soft });
  doc
    .roundedRect(x, top + 52, 190, 62, 4)
    .lineWidth(1.4)
    .fillAndStroke(COLOUR.wash, COLOUR.navy);
  doc
    .circle(x + 66, top + 83, 24)
    .lineWidth(1)
    .stroke(COLOUR.navy);
  press.label("Outdoor unit", x + 104, top + 76, { size: 9.5, face: "sans-bold", colour: COLOUR.navy });
  doc
    .moveTo(x + 150, top + 13)
    .lineTo(x + 150, top + 51)
    .lineWidth(0.9)
    .stroke(COLOUR.amber);
  press.label("300 mm", x + 156, top + 26, { colour: COLOUR.amber, face: "sans-bold" });
  doc
    .moveTo(x + 191, top + 83)
    .lineTo(x + 262, top + 83)
    .stroke(COLOUR.amber);
  press.label("600 mm, service side", x + 200, top + 68, { colour: COLOUR.amber, face: "sans-bold" });
  doc
    .moveTo(x + 66, top + 115)
    .lineTo(x + 66, top + 168)
    .stroke(COLOUR.amber);
  press.label("2,000 mm, air outlet", x + 74, top + 136, { colour: COLOUR.amber, face: "sans-bold" });
  doc.y = top + 178;
  press.small("Figure 1. The outdoor unit from above, with the clearances to keep.");
}

function wiring(press: Press): void {
  press.newPage();
  press.heading("2 Electrical connection");
  press.paragraph(
    "Connect the unit to a circuit of its own with a type B residual-current device of 30 milliamperes. Before opening the terminal box, switch off the supply and wait five minutes: the capacitors of the inverter hold a dangerous voltage.",
  );
  drawTable(
    press,
    [
      { title: "Terminal", share: 1.1 },
      { title: "Colour", share: 1.6 },
      { title: "Goes to", share: 3.6 },
      { title: "Cable", share: 1.7 },
    ],
    [
      ["L1, L2, L3", "brown, black, grey", "Three-phase supply 400 V, fuse 16 A", "5 × 2.5 mm²"],
      ["N", "blue", "Neutral", "5 × 2.5 mm²"],
      ["PE", "green-yellow", "Protective earth", "5 × 2.5 mm²"],
      ["A, B", "white, orange", "Room controller (bus, do not lay beside mains)", "2 × 0.75 mm²"],
      ["T1", "red", "Sensor of the hot-water tank", "2 × 0.5 mm²"],
      ["T2", "yellow", "Outdoor sensor, north wall, 2.5 m above ground", "2 × 0.5 mm²"],
      ["S1", "violet", "Signal of the electricity company (blocking)", "2 × 0.75 mm²"],
    ],
  );
  press.heading("3 Filling the heating circuit");
  press.bullets([
    "Flush the circuit until the strainer stays clean for ten minutes.",
    "Fill with softened water of 4 to 8 degrees of German hardness. Antifreeze is not needed and voids the guarantee.",
    "Cold pressure: 1.5 bar for one storey, 1.8 bar for two. The safety valve opens at 3 bar.",
    "Start the bleeding programme with menu 7.2. It runs for forty minutes.",
  ]);
  press.heading("4 First start");
  press.paragraph(
    "The crankcase heater must have been on for six hours before the compressor starts, or oil will foam and the compressor will seize. The display counts down the time. Then choose the heating curve: 0.4 for floor heating, 0.8 for radiators.",
  );
}

function faults(press: Press): void {
  press.newPage();
  press.heading("5 Error codes");
  press.paragraph(
    "The red lamp blinks and the display shows a code. Codes beginning with E stop the unit; codes beginning with W only warn.",
  );
  drawTable(
    press,
    [
      { title: "Code", share: 0.8 },
      { title: "Meaning", share: 3 },
      { title: "What to do", share: 4.2 },
    ],
    [
      ["E01", "Flow too low", "Clean the strainer, bleed the circuit, check that valves are open."],
      [
        "E04",
        "High pressure in the refrigerant circuit",
        "Hot-water setting too high, or no flow. Reset once; if it returns, call service.",
      ],
      ["E07", "Outdoor sensor broken", "Measure T2: 10.0 kΩ at 25 degrees, 32.6 kΩ at 0 degrees."],
      ["E09", "Phase missing or reversed", "Swap two phases. Check the fuses."],
      ["E12", "Fan blocked", "Remove ice or leaves. Never use a blowtorch."],
      ["E15", "Leak of refrigerant", "Do not switch anything. Air the place, keep flames away, call service."],
      ["E21", "Inverter too hot", "Clean the heat sink behind the left panel."],
      ["W02", "Defrosts too often", "Air outlet blocked, or fan speed set too low (menu 5.4)."],
      ["W05", "Blocked by the electricity company", "Normal; ends by itself within two hours."],
      ["W08", "Service due", "Confirm with menu 9.1 after the yearly service."],
    ],
  );
  press.heading("Resetting");
  press.paragraph(
    "Hold the round button for eight seconds until the lamp turns green. After three resets within twenty-four hours the unit locks itself and can only be released by service with the code on the yellow label.",
  );
}

function service(press: Press): void {
  press.newPage();
  press.heading("6 Yearly service");
  press.bullets([
    "Brush the fins of the evaporator from top to bottom with a soft brush. High-pressure cleaners bend them.",
    "Clean the condensate drain and test its heating cable: 48 watts.",
    "Check the pressure of the expansion vessel: 0.9 bar without water.",
    "Replace the magnetite filter cartridge every second year (part 8-4410).",
    "Search all joints for leaks with the propane detector. Soap water is not enough.",
  ]);
  press.heading("7 Technical data");
  drawTable(
    press,
    [
      { title: "", share: 3.4 },
      { title: "Nordwind 8", share: 1.6, align: "right" },
      { title: "Nordwind 12", share: 1.6, align: "right" },
    ],
    [
      ["Heat output at 7 °C outside, 35 °C flow", "8.1 kW", "12.3 kW"],
      ["Electric power drawn", "1.65 kW", "2.56 kW"],
      ["Coefficient of performance", "4.9", "4.8"],
      ["Lowest outdoor temperature", "−22 °C", "−25 °C"],
      ["Highest flow temperature", "70 °C", "70 °C"],
      ["Refrigerant, propane", "1.15 kg", "1.60 kg"],
      ["Weight", "128 kg", "164 kg"],
      ["Width × height × depth", "1,190 × 890 × 460 mm", "1,190 × 1,240 × 460 mm"],
    ],
  );
  press.heading("8 Guarantee");
  press.paragraph(
    "The guarantee runs for five years from the day of the first start, and for ten years on the compressor if the yearly service is entered in the booklet. It does not cover damage by frost after the unit was switched off in winter, nor by filling with untreated water.",
  );
}
