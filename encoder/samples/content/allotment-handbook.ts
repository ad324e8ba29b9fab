/**
 * Sample: rules and advice in running text, three pages.
 *
 * @module
 */
import { Press } from "../press/press.ts";
import { drawTable } from "../press/table.ts";

export async function allotmentHandbook(): Promise<Uint8Array> {
  const press = new Press({
    title: "Handbook of the Millrace Allotments",
    date: new Date(Date.UTC(2025, 0, 15)),
    footer: "Millrace Allotments · Handbook for members",
  });
  rules(press);
  soil(press);
  calendar(press);
  return press.finish();
}

function rules(press: Press): void {
  press.title("Handbook for members", "Millrace Allotments");
  press.lead(
    "Eighty-six gardens between the mill stream and the railway. What we ask of each other, and what we have learned.",
  );
  press.heading("Membership");
  press.paragraph(
    "A plot is let for one year at a time, from the first of March. The rent is 4 crowns per square metre and is due by the end of January. Members give twelve hours of common work a year; hours not given are charged at 150 crowns each. The waiting list had 57 names at the turn of the year, and the wait is about three years.",
  );
  press.heading("Rules");
  press.bullets([
    "Sheds may cover six square metres and be 2.3 metres high at the ridge. Glasshouses are counted separately.",
    "Fires are allowed from October to March, on Saturdays after four in the afternoon, and only of dry wood.",
    "Water comes from the mill stream. Hoses are forbidden; fill a can or a barrel. When the pump shows the red flag, only seedlings may be watered.",
    "Fruit trees on dwarf stock only, three metres from the neighbour. Walnuts, poplars and bamboo may not be planted at all.",
    "Hens: up to five, no cocks. Bees: two hives after a course, with the entrance facing the railway.",
    "No poison against slugs. Hedgehogs live under the committee hut.",
  ]);
  press.heading("Leaving");
  press.paragraph(
    "Notice is given in writing by the end of November. The shed and the perennial plants are valued by two members of the committee, and the successor pays that sum. What nobody wants must be taken away.",
  );
}

function soil(press: Press): void {
  press.newPage();
  press.title("Soil, water and pests", "What we have learned");
  press.heading("The soil");
  press.paragraph(
    "The lower gardens lie on river clay, the upper ones on cinders that the railway tipped until 1952. The clay is rich and slow: do not walk on it before April. The cinders dry out within two days and are short of lime. In 2023 the county tested eleven plots for lead; all were below the limit, though plots 71 to 75, nearest the track, should be used for flowers and fruit rather than for roots and salad.",
  );
  press.heading("Compost");
  press.paragraph(
    "Three bins in turn: one filling, one resting, one in use. A heap of one cubic metre that is turned twice reaches sixty degrees and is ready after five months. Bindweed roots, potato tops with blight and cooked food do not belong in it. Coffee grounds are fetched on Fridays from the café at the Town Quay and are free.",
  );
  press.heading("Clubroot");
  press.paragraph(
    "Clubroot came with bought seedlings in 2016 and is now in the soil of plots 20 to 34. Cabbages there stay small and wilt at noon, and the roots are swollen like fingers. Lime the bed in autumn, half a kilogram to the square metre, raise your own seedlings, and grow no cabbage in the same bed for seven years. Clean your spade before you lend it.",
  );
  press.heading("Pigeons and leeks");
  press.paragraph(
    "Pigeons eat kale to the stalks in January; nets must be tight, for a loose net has already killed a blackbird. The leek moth flies in May and in August. Covering the bed with fleece in these two months is enough, and wood ash has never helped anybody.",
  );
}

function calendar(press: Press): void {
  press.newPage();
  press.title("The gardening year", "Calendar");
  drawTable(
    press,
    [
      { title: "Month", share: 1.2 },
      { title: "Sow and plant", share: 3.4 },
      { title: "Harvest", share: 2.6 },
      { title: "Common work", share: 2.4 },
    ],
    [
      ["February", "Broad beans, onions under glass", "Leeks, kale", "Pruning day, 15 February"],
      ["March", "Peas, spinach, early potatoes", "Purple broccoli", "Stream bank, 8 March"],
      ["April", "Carrots, beetroot, chard", "Rhubarb", "Pump put in, 5 April"],
      ["May", "Beans after the 15th, pumpkins under fleece", "Asparagus, radishes", "Plant fair, 10 May"],
      ["June", "Leeks planted out, winter cabbage", "Peas, strawberries", "–"],
      ["July", "Chicory, fennel", "Potatoes, currants", "Path cutting, 12 July"],
      ["August", "Winter spinach, lamb's lettuce", "Tomatoes, beans", "–"],
      ["September", "Garlic from the 20th", "Pumpkins, apples", "Apple press, 27 September"],
      ["October", "Trees and bushes", "Cabbage, quinces", "Pump taken out, 18 October"],
      ["November", "–", "Parsnips, leeks", "Annual meeting, 14 November"],
    ],
  );
  press.heading("Record harvests");
  press.paragraph(
    "Largest pumpkin: 71.5 kilograms, grown by Oskar Lind on plot 12 in 2018. Longest leek: 94 centimetres, plot 40, in 2021. Earliest ripe tomato: 9 June 2024, from the glasshouse on plot 3. The committee measures every Saturday in September and needs two witnesses.",
  );
  press.heading("Whom to ask");
  press.paragraph(
    "Keys and rent: Farida Noor, plot 8. Water and pump: Jens Holm, plot 51. Bees: Clara Whitcombe, plot 77. The committee meets on the first Thursday of every month at seven in the hut.",
  );
}
