/**
 * Sample: a scientific article in two columns, three pages.
 *
 * @module
 */
import { lineChart } from "../press/charts.ts";
import { COLOUR, Press } from "../press/press.ts";

const GAP = 22;

export async function kelpArticle(): Promise<Uint8Array> {
  const press = new Press({
    title: "Growth of sugar kelp on suspended ropes at three depths",
    date: new Date(Date.UTC(2025, 8, 3)),
    footer: "Notes of the Ellery Sound Marine Station, 41 (2025)",
  });
  front(press);
  results(press);
  discussion(press);
  return press.finish();
}

/** Two columns from the cursor on; pdfkit flows the text from one into the other. */
function columns(press: Press, text: string, height: number): void {
  press.paragraph(text, { columns: 2, columnGap: GAP, height, align: "justify" });
}

function front(press: Press): void {
  press.title("Growth of sugar kelp on suspended ropes at three depths", "Research note");
  press.paragraph("Aino Brandt and Teodor Vale");
  press.small("Ellery Sound Marine Station, Skerry Island. Received 14 May 2025, accepted 3 September 2025.");
  press.lead(
    "Summary. Ropes seeded with sugar kelp grew fastest at two metres below the surface. At six metres the blades were shorter but cleaner, and earned more per kilogram.",
  );
  columns(
    press,
    [
      "Sugar kelp is farmed on ropes that hang between buoys. Farmers in the sound have placed their ropes at the depth their neighbours use, about four metres, without knowing whether another would serve them better. Light falls quickly with depth in these waters, which carry peat from the rivers; waves and fouling animals, on the other hand, do most harm near the surface. We therefore compared three depths over one winter.",
      "Methods. On 9 November 2024 we hung thirty-six ropes of ten metres each in the lee of Skerry Island, twelve at a depth of two metres, twelve at four and twelve at six. The seed came from a single mother plant so that differences in growth would not be differences of descent. Every second week a diver measured forty blades on each rope and photographed them against a white board.",
      "Water temperature was logged every hour at each depth. Light was measured on twenty-one days with a sensor lowered from the boat at noon. In the week of 20 January the station was cut off by ice, and one round of measurements is missing.",
      "The harvest began on 28 April 2025. Each rope was weighed wet within an hour of leaving the water. Three tasters, who did not know from which depth a sample came, judged colour and bite. The price was the one that the cannery at Korrin paid on the day.",
    ].join("\n\n"),
    460,
  );
}

function results(press: Press): void {
  press.newPage();
  lineChart(
    press,
    "Figure 1. Mean blade length in centimetres",
    ["Dec", "Jan", "Feb", "Mar", "Apr"],
    [
      { name: "2 metres", colour: COLOUR.teal, values: [8, 21, 49, 96, 142] },
      { name: "4 metres", colour: COLOUR.amber, values: [7, 18, 41, 80, 121] },
      { name: "6 metres", colour: COLOUR.navy, values: [6, 13, 29, 58, 93] },
    ],
    { height: 230, min: 0, max: 160, unit: "cm" },
  );
  columns(
    press,
    [
      "Results. Blades at two metres reached 142 centimetres by the end of April, those at four metres 121 and those at six metres 93 (figure 1). Until the middle of January the three groups could not be told apart; they parted when the days grew longer. The wet weight followed the length: 11.8 kilograms per metre of rope at two metres, 9.6 at four and 6.1 at six.",
      "Fouling told the opposite story. Sea mats, a colonial animal that grows as a white crust, covered 17 per cent of the blade surface at two metres, 9 per cent at four and less than 2 per cent at six. The cannery rejects blades with more than a tenth of their surface covered, and so four in ten kilograms from the upper ropes were sold as fertiliser.",
      "One rope at two metres was lost in the storm of 2 February together with its anchor. It was found in March on the beach at Saint Maud, still growing.",
      "The tasters preferred the kelp from six metres in fourteen of eighteen comparisons. They called it firmer and less salty. Its colour was a darker brown, which the cannery pays for: 9.40 crowns per kilogram against 6.20 for blades from four metres and 5.10 for the accepted part from two metres.",
      "Temperature hardly differed between depths. The coldest hour, 1.4 degrees, was logged at two metres on 23 January; on the same day the water at six metres had 2.3 degrees.",
    ].join("\n\n"),
    430,
  );
}

function discussion(press: Press): void {
  press.newPage();
  columns(
    press,
    [
      "Discussion. If weight alone counted, farmers should raise their ropes. Counting what the cannery pays, a metre of rope earned 36 crowns at two metres, 60 at four and 57 at six, so the neighbours had been right after all, though only just. The deep ropes needed a third less work, because a clean blade need not be scraped, and we think that for a family farm six metres is the better choice.",
      "Our light measurements suggest why growth fell so steeply. At noon in February the sensor showed 58 per cent of the surface light at two metres, 31 per cent at four and 14 per cent at six. Kelp is thought to need about 10 per cent to grow at all. In a year with more rain, and so more peat in the water, the deepest ropes might well have starved.",
      "The experiment has three weaknesses. It lasted for one winter only. All ropes hung in the lee of the island, where waves are small. And the mother plant came from shallow water; a plant from deeper water might do better at six metres than ours did.",
      "What should be tried next is to move ropes during the season: hang them at two metres until the end of February, when fouling begins, and lower them to six for the last two months. A winch that lowers forty ropes at once would cost about 30,000 crowns. The station has applied for the money.",
      "Thanks. The divers Per Olsen and Mina Duarte went down fifty-four times, eleven of them under ice. The cannery at Korrin lent us its scales.",
      "References. Brandt, A. (2021). Peat and light in Ellery Sound. Notes of the Ellery Sound Marine Station 37, 12–29. Vale, T. (2023). A field guide to the sea mats of the northern coast. Korrin: Harbour Press.",
    ].join("\n\n"),
    520,
  );
}
