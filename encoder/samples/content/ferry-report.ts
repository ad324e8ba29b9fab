/**
 * Sample: a ferry company's annual report with tables and charts, five pages.
 *
 * @module
 */
import { barChart, lineChart } from "../press/charts.ts";
import { COLOUR, MARGIN, Press } from "../press/press.ts";
import { drawTable } from "../press/table.ts";

const TITLE = "Annual Report 2025";

export async function ferryReport(): Promise<Uint8Array> {
  const press = new Press({
    title: `Ellery Sound Ferries: ${TITLE}`,
    date: new Date(Date.UTC(2026, 2, 12)),
    footer: `Ellery Sound Ferries · ${TITLE}`,
    coverPages: 1,
  });
  cover(press);
  letter(press);
  passengers(press);
  finances(press);
  fleet(press);
  return press.finish();
}

function cover(press: Press): void {
  const { doc } = press;
  const { width, height } = doc.page;
  doc.rect(0, 0, width, height).fill(COLOUR.navy);
  for (let i = 0; i < 7; i++) {
    const y = height * 0.62 + i * 34;
    doc.moveTo(0, y);
    for (let x = 0; x < width; x += 119) doc.bezierCurveTo(x + 40, y - 22, x + 80, y + 22, x + 119, y);
    doc
      .lineWidth(2.2)
      .strokeOpacity(0.85 - i * 0.1)
      .stroke(COLOUR.teal);
  }
  doc.strokeOpacity(1);
  const hull = height * 0.56;
  doc.path(`M 170 ${hull} L 430 ${hull} L 396 ${hull + 44} L 204 ${hull + 44} Z`).fill("white");
  doc.rect(224, hull - 34, 150, 34).fill("white");
  doc.rect(330, hull - 66, 22, 32).fill(COLOUR.amber);
  for (let i = 0; i < 5; i++) doc.rect(236 + i * 26, hull - 24, 14, 12).fill(COLOUR.navy);
  press.label("Ellery Sound Ferries", MARGIN, 120, { face: "sans-bold", size: 15, colour: "#9fd8d2" });
  press.label(TITLE, MARGIN, 146, { face: "serif-bold", size: 40, colour: "white" });
  press.label("Four routes, five ships, 1.94 million journeys", MARGIN, 204, {
    face: "serif-italic",
    size: 15,
    colour: "white",
  });
}

function letter(press: Press): void {
  press.newPage();
  press.title("A year of calmer water", "Letter from the managing director");
  press.lead("We carried more people than in any year since the bridge opened, and burned less fuel doing it.");
  press.paragraph(
    "In 2025 Ellery Sound Ferries carried 1,940,000 passengers, eleven per cent more than the year before. The new evening sailings to Saint Maud were the main reason: people who used to drive around the bay now come home by water. Punctuality rose to 96.2 per cent, although fog closed the harbour on nineteen days in November.",
  );
  press.paragraph(
    "The largest single step was the conversion of the Grey Heron to battery operation. She left the yard in Korrin in April, six weeks late, and has since saved 410,000 litres of marine diesel. Charging takes eleven minutes at the Port Ellery quay and is done while cars drive on and off. Passengers tell us that what they notice is the silence.",
  );
  press.paragraph(
    "Not everything went well. The Kestrel lost her port propeller to a drifting net in August and was out of service for five weeks. We hired the catamaran Solveig to keep the timetable; the hire cost us 1.3 million crowns and was only partly insured. Bookings through our website failed for two days in July, and we have replaced the supplier.",
  );
  press.paragraph(
    "In the coming year we shall order a second battery ferry, rebuild the waiting room at Cotter's Landing, and introduce one ticket that is valid on ferry, bus and tram. The board proposes to leave fares unchanged for the third year in a row.",
  );
  press.paragraph(
    "My thanks go to the 212 people who work for this company, on deck, in the engine rooms and behind the counters.",
  );
  press.space(12);
  press.paragraph("Ingrid Maas");
  press.small("Managing director, Port Ellery, 12 March 2026");
}

function passengers(press: Press): void {
  press.newPage();
  press.title("Passengers", "Traffic");
  press.keyFigures([
    { value: "1.94 m", label: "passengers in 2025" },
    { value: "+11 %", label: "compared with 2024" },
    { value: "96.2 %", label: "departures on time" },
  ]);
  barChart(
    press,
    "Passengers by route, 2025 (thousands)",
    [
      { label: "Saint Maud", value: 812 },
      { label: "Cotter's Landing", value: 547 },
      { label: "Skerry Island", value: 361 },
      { label: "Korrin", value: 220 },
    ],
    210,
  );
  press.paragraph(
    "Saint Maud is now our busiest route and carries two passengers in five. Skerry Island lost four per cent after the summer festival moved to the mainland. Bicycles are counted separately: 148,000 travelled with us, and on Sundays in June every second passenger to Skerry Island brought one.",
  );
  drawTable(
    press,
    [
      { title: "Route", share: 3 },
      { title: "2023", share: 1.4, align: "right" },
      { title: "2024", share: 1.4, align: "right" },
      { title: "2025", share: 1.4, align: "right" },
      { title: "Change", share: 1.4, align: "right" },
    ],
    [
      ["Port Ellery – Saint Maud", "598,000", "655,000", "812,000", "+24 %"],
      ["Port Ellery – Cotter's Landing", "541,000", "530,000", "547,000", "+3 %"],
      ["Port Ellery – Skerry Island", "349,000", "376,000", "361,000", "−4 %"],
      ["Port Ellery – Korrin", "180,000", "187,000", "220,000", "+18 %"],
      ["Total", "1,668,000", "1,748,000", "1,940,000", "+11 %"],
    ],
  );
}

function finances(press: Press): void {
  press.newPage();
  press.title("Finances", "Accounts in brief");
  press.paragraph(
    "Revenue grew by nine per cent to 187.4 million crowns. Fuel fell to 21.6 million because the Grey Heron no longer burns diesel; electricity appears for the first time as a cost of its own. The operating profit of 14.9 million is the best since 2011 and will be put aside for the second battery ferry.",
  );
  drawTable(
    press,
    [
      { title: "Million crowns", share: 4 },
      { title: "2024", share: 1.3, align: "right" },
      { title: "2025", share: 1.3, align: "right" },
    ],
    [
      ["Ticket sales", "128.3", "141.0"],
      ["Freight and vehicles", "32.9", "34.2"],
      ["Subsidy of the county", "10.7", "12.2"],
      ["Total revenue", "171.9", "187.4"],
      ["Wages and pensions", "79.4", "84.8"],
      ["Fuel", "31.2", "21.6"],
      ["Electricity for propulsion", "–", "5.3"],
      ["Maintenance and docking", "28.8", "33.5"],
      ["Depreciation", "17.1", "18.7"],
      ["Other costs", "8.2", "8.6"],
      ["Total costs", "164.7", "172.5"],
      ["Total operating profit", "7.2", "14.9"],
    ],
  );
  press.space(2);
  lineChart(
    press,
    "Fuel burned by the fleet (million litres)",
    ["2020", "2021", "2022", "2023", "2024", "2025"],
    [{ name: "Marine diesel", colour: COLOUR.amber, values: [2.1, 2.4, 2.6, 2.6, 2.5, 1.9] }],
    { height: 170, min: 0, max: 4, unit: "m" },
  );
}

function fleet(press: Press): void {
  press.newPage();
  press.title("Our five ships", "Fleet");
  press.paragraph(
    "The fleet is nineteen years old on average. The Old Margaret, built in 1974, sails only in summer and is kept because children ask for her. All ships are certified for sheltered waters; only the Kestrel and the Grey Heron may cross to Korrin when waves are higher than two metres.",
  );
  drawTable(
    press,
    [
      { title: "Ship", share: 2 },
      { title: "Built", share: 1, align: "right" },
      { title: "Length", share: 1.1, align: "right" },
      { title: "Passengers", share: 1.4, align: "right" },
      { title: "Cars", share: 0.9, align: "right" },
      { title: "Propulsion", share: 2.4 },
    ],
    [
      ["Grey Heron", "2012", "71 m", "420", "64", "Battery, 4.2 MWh"],
      ["Kestrel", "2009", "68 m", "396", "58", "Diesel, two propellers"],
      ["Tern", "2017", "44 m", "250", "22", "Diesel-electric"],
      ["Sandpiper", "2019", "31 m", "180", "–", "Diesel-electric"],
      ["Old Margaret", "1974", "38 m", "160", "12", "Diesel, one propeller"],
    ],
  );
  press.heading("What comes next");
  press.bullets([
    "Second battery ferry: tender in May 2026, delivery planned for the spring of 2028. The name will be chosen by the schools of the county.",
    "Waiting room at Cotter's Landing: forty heated seats, a bicycle store and toilets without steps, to be opened in October 2026.",
    "Sandpiper: new seats and a second ramp during her docking in January.",
  ]);
  press.heading("Safety");
  press.paragraph(
    "There were two accidents with injuries in 2025, both slips on wet stairs, after five in 2024. Every crew practised man overboard once a month. The average time until the dummy was back on deck was four minutes and ten seconds; the goal is four minutes.",
  );
}
